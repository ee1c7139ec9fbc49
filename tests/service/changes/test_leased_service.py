"""A service whose state is in PostgreSQL: what clients see, through two hosts that share nothing else."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace

from embedding.errors import MismatchError
from indexing.rules.reading import anything
from indexing.state.contract import Activation
from indexing.state.open_places import move_from
from indexing.state.postgres import PostgresState
from service.app import create_app
from service.changes.leased_follower import LeasedFollower
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.indexing.state.leases import Database
from tests.postgres_server import postgres_server
from tests.service.changes.leased_hosts import (
    ACK_WAIT_S,
    LEASE_S,
    OLDER,
    TOKEN,
    Hosts,
    eventually,
    refused,
    similar,
    similar_by_a_short_lease,
    take_down,
)
from tests.service.conftest import Client

# Of a host whose lease a test waits to see run out.
SHORT_S = 2.0


@pytest.fixture
def hosts(text_world: Path, tmp_path: Path) -> Hosts:
    return Hosts(text_world, tmp_path)


@pytest.fixture
def two(hosts: Hosts) -> Iterator[tuple[Client, Client]]:
    with ExitStack() as stack:
        yield stack.enter_context(hosts.serve("host-a")), stack.enter_context(hosts.serve("host-b"))


def test_a_takedown_through_one_host_is_hidden_on_the_other_once_it_is_acknowledged(
    two: tuple[Client, Client],
) -> None:
    first, second = two
    for number in range(2, 12):
        item_id = f"metal-{number}"
        assert item_id in similar(second)
        answer = take_down(first, item_id)
        assert (answer.status_code, answer.json()["taken_down"]) == (200, True)
        assert "waiting_for" not in answer.json()
        assert item_id not in similar(second)
        assert item_id not in similar(first)
        lifted = second.delete(f"/v1/items/{item_id}/takedown", headers=TOKEN)
        assert lifted.status_code == 200
        assert item_id in similar(first)


def test_a_row_that_is_put_on_one_host_is_found_on_the_other(two: tuple[Client, Client]) -> None:
    first, second = two
    row = {"id": "new", "kind": "track", "title": "New", "creator": "Metal Makers 1", "text": "loud heavy metal"}
    answer = first.put("/v1/items", json={"items": [row]}, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    assert "new" in similar(second)
    assert first.get("/v1/items/new").json()["revision"] == second.get("/v1/items/new").json()["revision"]
    assert second.delete("/v1/items/new", headers=TOKEN).status_code == 200
    assert first.get("/v1/items/new").status_code == 404


def test_a_worker_that_does_not_keep_up_is_named_and_a_get_tells_when_it_has(hosts: Hosts) -> None:
    with hosts.serve("host-a", ack_wait_s=0.5) as first, hosts.serve("host-b") as second:
        with hosts.paused("host-b"):
            begun = time.monotonic()
            answer = take_down(first, "metal-2")
            # By far not as long as the lease of the one that is waited for.
            assert time.monotonic() - begun < LEASE_S / 10
            assert answer.status_code == 202
            number = answer.json()["number"]
            path = f"/v1/changes/{number}"
            # On a busy machine the first one itself needs longer than is waited for.
            eventually(lambda: len(first.get(path, headers=TOKEN).json()["waiting_for"]) == 1)
            waiting = answer.json()["waiting_for"][-1]
            assert waiting.startswith("host-b (process ")
            assert answer.json()["taken_down"] is True
            # In force here, and kept.
            assert "metal-2" not in similar(first)
            told = {"number": number, "everywhere": False, "waiting_for": [waiting]}
            assert first.get(path, headers=TOKEN).json() == told
            # A call that finds nothing to change waits all the same.
            again = first.delete("/v1/items/metal-9/takedown", headers=TOKEN)
            assert (again.status_code, again.json()["waiting_for"]) == (202, [waiting])
        eventually(lambda: first.get(path, headers=TOKEN).json()["everywhere"])
        assert "metal-2" not in similar(second)
        answer = first.get("/v1/changes/999", headers=TOKEN)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:nearfield:problem:unknown-change")
        assert first.get(path).status_code == 403


def test_where_a_lease_has_run_out_nothing_is_answered_and_the_change_is_acknowledged(hosts: Hosts) -> None:
    with hosts.serve("host-a", ack_wait_s=0.5) as first, hosts.serve("host-b", lease_s=SHORT_S) as second:
        with hosts.paused("host-b"):
            path = f"/v1/changes/{take_down(first, 'metal-2').json()['number']}"
            eventually(lambda: second.get("/v1/items/metal-1/similar").status_code == 503)
            assert "lease has run out" in refused(second)
            ready = second.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
            assert "lease has run out" in ready.json()["reason"]
            assert second.get("/health/live").status_code == 200
            assert first.get("/health/ready").status_code == 200
        eventually(lambda: first.get(path, headers=TOKEN).json()["everywhere"])
        eventually(lambda: second.get("/health/ready").status_code == 200)
        assert "metal-2" not in similar_by_a_short_lease(second)


def test_an_answer_whose_lease_ran_out_while_it_was_made_is_not_given(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive = LeasedFollower.arrive

    async def arrives_and_takes_its_time(follower: LeasedFollower) -> None:
        await arrive(follower)
        while follower.may_answer:
            await asyncio.sleep(0.05)

    with hosts.serve("host-a", lease_s=SHORT_S) as client:

        def is_told() -> bool:
            """Not where it ran out before it was asked."""
            assert "metal-2" in similar_by_a_short_lease(client)
            with hosts.paused("host-a"), monkeypatch.context() as patch:
                patch.setattr(LeasedFollower, "arrive", arrives_and_takes_its_time)
                return "ran out while it answered" in refused(client)

        eventually(is_told)
        eventually(lambda: client.get("/health/ready").status_code == 200)
        similar_by_a_short_lease(client)


def test_rules_that_are_accepted_in_the_state_come_into_force_on_every_host(
    hosts: Hosts, two: tuple[Client, Client]
) -> None:
    (hosts._folder / "host-a" / "rules.toml").write_text("[blocked]\nitems = ['metal-9']\n")

    async def accept(state: PostgresState) -> str:
        version = await state.accept(b'[blocked]\nitems = ["metal-3"]\n', "rules.toml", anything, "ops")
        assert await state.unacknowledged(await state.end(), ACK_WAIT_S) == []
        return version

    version = hosts.state(accept)
    for client in two:
        shown = similar(client)
        assert "metal-3" not in shown
        assert "metal-9" in shown
        assert client.get("/health/ready").json()["rules_version"] == version


def test_what_goes_live_is_answered_from_on_every_host_that_holds_it(hosts: Hosts, two: tuple[Client, Client]) -> None:
    def released(client: Client) -> str:
        return str(client.get("/v1/items/metal-1/similar").json()["release"])

    assert [released(client) for client in two] == [hosts.live] * 2

    async def switch(state: PostgresState, release: str) -> None:
        await state.switch(Activation("2026-11-29T10:00:00.000+00:00", "activate", release, None))
        assert await state.unacknowledged(await state.end(), ACK_WAIT_S) == []

    for release in (OLDER, hosts.live):
        hosts.state(lambda state, release=release: switch(state, release))
        assert [released(client) for client in two] == [release] * 2
    # One that nobody holds: the one before goes on, and ready says so.
    hosts.state(lambda state: switch(state, "r20990101000000000"))
    assert [released(client) for client in two] == [hosts.live] * 2
    assert two[0].get("/health/ready").json()["live_release"] == "r20990101000000000"


def test_queries_ask_the_database_nothing(hosts: Hosts) -> None:
    def committed() -> int:
        # Counters come a second late.
        time.sleep(1.2)
        return int(hosts.database.one("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"))

    with hosts.serve("host-a") as client:
        before = committed()
        begun = time.monotonic()
        for number in range(200):
            similar(client, f"metal-{1 + number % 9}")
        asked_for_s = time.monotonic() - begun + 1.2
        after = committed()
        # A look a second, a renewal in ten seconds, this test's own, and what of the start was counted late.
        assert after - before < 100 + 3 * asked_for_s
        for _ in range(20):
            assert take_down(client, "metal-2").status_code == 200
        eventually(lambda: committed() - after > 40)


def test_a_database_that_is_away_stops_changes_and_no_query(text_world: Path, tmp_path: Path) -> None:
    with postgres_server() as server:
        hosts = Hosts(text_world, tmp_path, server)
        with hosts.serve("host-a") as client:
            assert take_down(client, "metal-2").status_code == 200
            server.kill()
            for _ in range(20):
                assert "metal-2" not in similar(client)
            answer = take_down(client, "metal-3")
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:nearfield:problem:state-unavailable")
            assert "same change twice does no harm" in answer.json()["detail"]
            assert client.get("/health/ready").status_code == 200
            server.start()
            answer = take_down(client, "metal-4")
            # On a busy machine it is told before the worker listens again.
            assert answer.status_code in (200, 202)
            path = f"/v1/changes/{answer.json()['number']}"
            eventually(lambda: client.get(path, headers=TOKEN).json()["everywhere"])
            shown = similar(client)
            assert {"metal-2", "metal-4"}.isdisjoint(shown)


def test_a_service_over_files_that_were_moved_away_answers_no_more(text_world: Path, tmp_path: Path) -> None:
    database = Database()
    data_dir = copied(text_world, tmp_path / "world")
    settings = Settings(data_dir=data_dir, default_market="SE", admin_token="s3cret")
    with TestClient(create_app(open_dependencies(settings))) as client:
        assert take_down(client, "metal-2").status_code == 200
        asyncio.run(move_from("files", replace(settings, state_url=database.url)))
        assert "was moved to the database" in refused(client)
        assert take_down(client, "metal-3").status_code == 503
    with TestClient(create_app(open_dependencies(replace(settings, state_url=database.url)))) as client:
        shown = similar(client)
        assert "metal-2" not in shown
        assert "metal-3" in shown


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        ("UPDATE nearfield.state SET number = 0", "was built when the log had reached 7, this one ends at 0"),
        ("UPDATE nearfield.state SET cut = 9, number = 9", "had reached 7, this one was cut at 9"),
    ],
)
def test_a_release_that_the_log_does_not_reach_is_refused_by_name(hosts: Hosts, by_hand: str, told: str) -> None:
    manifest = hosts._folder / "host-a" / "releases" / hosts.live / "manifest.json"
    built = re.sub(r'"journal_seq":\s*0', '"journal_seq": 7', manifest.read_text())
    assert '"journal_seq": 7' in built
    manifest.write_text(built)
    hosts.database.execute(by_hand)
    with pytest.raises(MismatchError, match=f"Release {hosts.live} .*{told}"):
        open_dependencies(hosts.settings("host-a"))
