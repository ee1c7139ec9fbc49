"""Two hosts of real processes over one state: a release goes live on both at once, and dead workers hold up nobody."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.harness.load_clients import Load, releases_that_answer
from indexing.state.open_places import move_from
from service.schemas.load_settings import load_settings
from tests.copied_folders import copied
from tests.free_ports import free_port
from tests.indexing.state.leases import Database
from tests.service.workers.serving_processes import eventually
from tests.service.workers.test_serving_releases import BODY, GONE, NEARFIELD, build_without, fresh

OLDER = "r20200101000000000"


class Host:
    """`nearfield serve` with one worker over a data folder of its own."""

    def __init__(self, folder: Path, name: str, database: Database) -> None:
        self.folder, self.name, self.port = folder, name, free_port()
        (folder / "nearfield.toml").write_text(
            f'data_dir = "data"\ndefault_market = "SE"\nencoder = "no encoder"\nadmin_token = "s3cret"\n'
            f'state_url = "{database.url}"\nhost_name = "{name}"\nlease_s = 600\nactivate_wait_s = 300\n'
        )

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        log = self.folder / "log"
        with log.open("w") as lines:
            main = subprocess.Popen([*NEARFIELD, "serve", "--port", str(self.port)], cwd=self.folder, stderr=lines)
        try:
            eventually(lambda: f"on http://127.0.0.1:{self.port} with 1 worker" in log.read_text())
            yield main
        finally:
            if main.poll() is None:
                main.send_signal(signal.SIGTERM)
                main.wait(timeout=120)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*NEARFIELD, *words], cwd=self.folder, capture_output=True, text=True, timeout=400, check=False
        )

    def shows(self, item_id: str) -> bool:
        return item_id in {hit["id"] for hit in json.loads(fresh(self.port, "/v1/similar", BODY))["hits"]}


@pytest.fixture(scope="module")
def database() -> Database:
    return Database()


@pytest.fixture(scope="module")
def hosts(
    text_world: Path, tmp_path_factory: pytest.TempPathFactory, database: Database
) -> Iterator[tuple[Host, Host]]:
    """Both serve the world's release; one without an item lies on both, and one more on the first alone."""
    folder = tmp_path_factory.mktemp("hosts")
    found = []
    for name in ("host-a", "host-b"):
        (folder / name).mkdir()
        found.append(Host(folder / name, name, database))
    releases = copied(text_world, folder / "host-a" / "data") / "releases"
    (live,) = releases.glob("r*")
    build_without(GONE, text_world, folder / "host-a" / "data")
    copied(folder / "host-a" / "data", folder / "host-b" / "data")
    copied(live, releases / OLDER)
    manifest = releases / OLDER / "manifest.json"
    manifest.write_text(manifest.read_text().replace(live.name, OLDER))
    asyncio.run(move_from("files", load_settings(folder / "host-a", {}, {})))
    with ExitStack() as stack:
        for host in found:
            stack.enter_context(host.serving())
        yield found[0], found[1]


def worker_of(database: Database, host: str) -> int:
    """The process of a host's one worker."""
    return int(database.one(f"SELECT substring(name FROM '[0-9]+') FROM nearfield.workers WHERE host = '{host}'"))


def test_a_worker_that_was_killed_is_waited_for_by_nobody(hosts: tuple[Host, Host], database: Database) -> None:
    first, second = hosts
    os.kill(worker_of(database, "host-b"), signal.SIGKILL)
    begun = time.monotonic()
    done = first.command("index", "takedown", GONE)
    assert done.returncode == 0, done.stderr
    # Its lease would have been ten minutes.
    assert time.monotonic() - begun < 200
    eventually(lambda: second.shows("metal-2"))
    for host in hosts:
        assert not host.shows(GONE)
    assert first.command("index", "lift", GONE).returncode == 0
    assert second.shows(GONE)


def test_a_worker_that_stands_still_is_waited_for_and_named(hosts: tuple[Host, Host], database: Database) -> None:
    first, second = hosts
    stopped = worker_of(database, "host-b")
    os.kill(stopped, signal.SIGSTOP)
    taking = subprocess.Popen(
        [*NEARFIELD, "index", "takedown", GONE], cwd=first.folder, stderr=subprocess.PIPE, text=True
    )
    try:
        assert taking.stderr is not None
        told = taking.stderr.readline()
        assert "kept; waiting until it holds everywhere, for host-b (process " in told
        assert "nearfield state forget HOST" in told
        assert not first.shows(GONE)
        assert taking.poll() is None
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert taking.wait(timeout=120) == 0
    taking.stderr.close()
    assert not second.shows(GONE)
    assert first.command("index", "lift", GONE).returncode == 0


def test_a_host_that_was_forgotten_and_lives_says_again_what_it_keeps(
    hosts: tuple[Host, Host], database: Database
) -> None:
    told = "SELECT kept::text FROM nearfield.hosts WHERE host = 'host-b'"
    kept = database.execute(told)
    assert kept not in ([], [("{}",)])
    done = hosts[0].command("state", "forget", "host-b")
    assert done.returncode == 0, done.stderr
    eventually(lambda: database.execute(told) == kept)
    assert "This host was forgotten" in (hosts[1].folder / "log").read_text()
    # Its worker learns of it by the next renewal, and answers again once it has read all and said so.
    has_read_all = "SELECT w.applied = s.number FROM nearfield.workers w, nearfield.state s WHERE w.host = 'host-b'"
    eventually(lambda: database.execute(has_read_all) == [(True,)])


def test_a_second_service_of_one_name_does_not_start(
    hosts: tuple[Host, Host], tmp_path: Path, database: Database
) -> None:
    (tmp_path / "twin").mkdir()
    twin = Host(tmp_path / "twin", "host-a", database)
    done = twin.command("serve", "--port", str(twin.port))
    assert done.returncode == 2
    assert "host_name: another service of this state is called 'host-a'" in done.stderr
    assert str(hosts[0].folder / "data") in done.stderr


def test_a_release_goes_live_on_all_hosts_at_once_and_no_request_fails(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    (live,) = releases_that_answer(first.port, "/v1/similar", BODY)
    (other,) = {path.name for path in (first.folder / "data" / "releases").glob("r*")} - {live, OLDER}
    load = Load(second.port, "/v1/similar", BODY)
    with load.running(num_kept=2, num_fresh=2, think_s=0.1):
        done = first.command("index", "activate", other)
        assert done.returncode == 0, done.stderr
        for host in hosts:
            eventually(lambda: releases_that_answer(host.port, "/v1/similar", BODY) == {other})  # noqa: B023
    assert load.failures == []
    seen = [
        (answer["release"], GONE in {hit["id"] for hit in answer["hits"]}) for answer in map(json.loads, load.answers)
    ]
    assert set(seen) == {(live, True), (other, False)}


def test_a_host_that_lacks_the_release_keeps_it_from_going_live_and_is_named(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    (live,) = releases_that_answer(first.port, "/v1/similar", BODY)
    toml = first.folder / "nearfield.toml"
    toml.write_text(toml.read_text().replace("activate_wait_s = 300", "activate_wait_s = 3"))
    done = first.command("index", "activate", OLDER)
    assert done.returncode != 0
    assert f"Release {OLDER} was not loaded within 3 s by " in done.stderr
    assert "host-b: the live release stays" in done.stderr
    toml.write_text(toml.read_text().replace("activate_wait_s = 3\n", "activate_wait_s = 300\n"))
    for host in hosts:
        assert releases_that_answer(host.port, "/v1/similar", BODY) == {live}
    # Without it: here it goes live, and there the one before goes on, under all that is changed.
    done = first.command("index", "activate", OLDER, "--without", "host-b")
    assert done.returncode == 0, done.stderr
    eventually(lambda: releases_that_answer(first.port, "/v1/similar", BODY) == {OLDER})
    assert releases_that_answer(second.port, "/v1/similar", BODY) == {live}
    assert first.shows(GONE)
    assert second.shows("metal-2")
    assert first.command("index", "takedown", "metal-2").returncode == 0
    assert not second.shows("metal-2")
