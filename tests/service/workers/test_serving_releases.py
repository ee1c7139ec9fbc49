"""The whole service under its clients: releases change, and no request fails."""

import asyncio
import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness.load_clients import Load, releases_that_answer
from embedding.progress import Reporter
from embedding.rows.row_files import RowFiles
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.releases.releases import Releases
from indexing.settings import IndexingSettings
from indexing.state.file_rules import AcceptedRules
from indexing.state.files import FilesState
from indexing.state.proposal import refused_rules
from indexing.stores.edge import EdgeStore
from tests.copied_folders import copied
from tests.free_ports import free_port
from tests.service.workers.serving_processes import eventually
from tests.service.world import make_items

NEARFIELD = (sys.executable, "-c", "from service.cli import main; main()")
GONE = "metal-3"
# Its rows do not change, so that what answers can be told from the answer alone.
BODY = json.dumps({"seeds": [{"id": "metal-1"}], "limit": 50}).encode()


def build_without(item_id: str, world: Path, data_dir: Path) -> str:
    """Build, and do not activate, a release that lacks one item; its id."""
    with RowFiles(data_dir / "smaller") as files:
        files.write_items("catalogue.jsonl", [item for item in make_items() if item.id != item_id])
    inputs = BuildInputs(catalogue=data_dir / "smaller" / "catalogue.jsonl")
    settings = IndexingSettings(data_dir=data_dir, cache_dir=world.parent / "vectors")
    return asyncio.run(build_from_settings(inputs, settings, Reporter("none"), activate=False)).id


def test_activate_and_rollback_under_two_workers_fail_no_request(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copied(text_world, data_dir)
    releases = Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir))
    first, second = asyncio.run(releases.live_id()), build_without(GONE, text_world, data_dir)
    with serving(tmp_path) as (main, port):
        load = Load(port, "/v1/similar", BODY)
        # Not without a pause: the fresh workers load on the same two cores.
        with load.running(num_kept=4, num_fresh=4, think_s=0.1):
            for live, switch in ((second, releases.activate(second)), (first, releases.rollback())):
                asyncio.run(switch)
                eventually(lambda: releases_that_answer(port, "/v1/similar", BODY) == {live}, every_s=0.3)  # noqa: B023
        assert load.failures == []
        answers = [
            (answer["release"], GONE in {hit["id"] for hit in answer["hits"]})
            for answer in map(json.loads, load.answers)
        ]
        # Each fresh worker had asked itself what clients had asked, before they asked it.
        replayed = re.findall(r"Replayed (\d+) queries, (\d+) of them answered", (tmp_path / "log").read_text())
        assert len(replayed) == 4
        assert all(asked == answered != "0" for asked, answered in replayed)
        # The row is there in the release that has it, and only there; and both were seen.
        assert set(answers) == {(first, True), (second, False)}
        main.send_signal(signal.SIGTERM)
        assert main.wait(timeout=120) == 0


def test_a_takedown_holds_in_each_worker_from_the_first_request_after_it(text_world: Path, tmp_path: Path) -> None:
    copied(text_world, tmp_path / "data")
    token = {"Authorization": "Bearer s3cret"}

    def change(method: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request(method, f"/v1/items/{GONE}/takedown", headers=token)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["taken_down"]) == (200, method == "PUT")
        connection.close()

    def command(name: str) -> None:
        done = subprocess.run(
            [*NEARFIELD, "index", name, GONE], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def shown() -> list[bool]:
        """Whether each of as many fresh connections as reach both workers shows the item."""
        return [GONE in {hit["id"] for hit in json.loads(fresh(port, "/v1/similar", BODY))["hits"]} for _ in range(22)]

    with serving(tmp_path) as (_, port):
        assert shown() == [True] * 22
        for _ in range(5):
            change("PUT")
            assert shown() == [False] * 22
            change("DELETE")
            assert shown() == [True] * 22
        command("takedown")
        assert shown() == [False] * 22
        command("lift")
        assert shown() == [True] * 22


def test_changed_rules_hold_in_each_worker_from_the_first_request_after_they_were_accepted(
    text_world: Path, tmp_path: Path
) -> None:
    copied(text_world, tmp_path / "data")
    file, folder = tmp_path / "rules.toml", tmp_path / "data" / "rules"
    blocking = f'[blocked]\nitems = ["{GONE}"]\n'

    def accepted() -> str:
        return AcceptedRules(folder).current()[0]

    def shown() -> set[bool]:
        return {GONE in {hit["id"] for hit in json.loads(fresh(port, "/v1/similar", BODY))["hits"]} for _ in range(22)}

    with serving(tmp_path) as (main, port):
        load = Load(port, "/v1/similar", BODY)
        with load.running(num_kept=2, num_fresh=2, think_s=0.05):
            for text, shows in ((blocking, False), ("", True), (blocking, False)):
                before = accepted()
                file.write_text(text)
                eventually(lambda: accepted() != before)  # noqa: B023
                assert shown() == {shows}
            before = accepted()
            file.write_text("[blocked]\nitmes = []\n")
            eventually(lambda: refused_rules(folder) is not None)
            assert accepted() == before
            assert shown() == {False}
        assert load.failures == []
        # No worker was replaced: what they had loaded still answers.
        assert "fresh workers load" not in (tmp_path / "log").read_text()
        main.send_signal(signal.SIGTERM)
        assert main.wait(timeout=120) == 0
    file.unlink()
    with serving(tmp_path) as (main, port):
        assert shown() == {False}
        main.send_signal(signal.SIGTERM)
        assert main.wait(timeout=120) == 0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`nearfield serve` with two workers over `folder/data`: its main process and port."""
    port = free_port()
    # Without an encoder: a replacement would load it before it takes over, 6 s that prove nothing here.
    (folder / "nearfield.toml").write_text(
        'data_dir = "data"\ndefault_market = "SE"\nencoder = "no encoder"\nadmin_token = "s3cret"\n'
    )
    log = folder / "log"
    with log.open("w") as lines:
        main = subprocess.Popen([*NEARFIELD, "serve", "--workers", "2", "--port", str(port)], cwd=folder, stderr=lines)
    try:
        eventually(lambda: f"on http://127.0.0.1:{port} with 2 workers" in log.read_text())
        yield main, port
    finally:
        if main.poll() is None:
            main.kill()
            main.wait()


def fresh(port: int, path: str, body: bytes) -> bytes:
    """The answer to one POST on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()
