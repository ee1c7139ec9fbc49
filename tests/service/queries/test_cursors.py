"""Cursors over HTTP: pages join, nothing but the same request may use one, and one that no longer holds says so."""

import asyncio
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from embedding.errors import DamagedError
from indexing.state.file_key import FILE, cursor_key
from indexing.state.file_log import FileLog
from indexing.state.file_rules import AcceptedRules
from indexing.state.records import Removed, TakenDown
from service.app import create_app
from service.arranging.arranger import ShownBefore
from service.main import open_dependencies
from service.queries.cursors import MAX_DEPTH, Cursors
from service.schemas.requests import Seed, SimilarRequest
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.api.test_problems import problem
from tests.service.conftest import Client
from tests.service.world import OPENS

SE = {"market": "SE"}
BOTH = ["track", "episode"]
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/similar", {"seeds": [{"id": "metal-3"}, {"id": "crime-2", "weight": 0.5}]}),
    ("/v1/recommend", {"user_id": "user-3", "history": [{"id": "jazz-8"}]}),
    ("/v1/search", {"text": "a calm jazz trio", "mode": "semantic"}),
]


@pytest.fixture
def data_dir(text_world: Path, tmp_path: Path) -> Path:
    return copied(text_world, tmp_path / "world")


@pytest.fixture
def own_client(data_dir: Path) -> Iterator[Client]:
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        yield client


def ask(client: Client, route: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(route, json={"context": SE} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


@pytest.mark.parametrize(("route", "body"), BODIES)
def test_pages_join_to_the_one_long_list(client: Client, route: str, body: dict[str, Any]) -> None:
    long = ids(ask(client, route, body | {"limit": 100}))
    answer = ask(client, route, body | {"limit": 3})
    listed = ids(answer)
    for limit in (1, 7, 20, 100):
        assert "short_reason" not in answer
        answer = ask(client, route, body | {"limit": limit, "cursor": answer["next_cursor"]})
        listed += ids(answer)
    assert listed == long
    assert "next_cursor" not in answer
    assert "were shown on earlier pages" in answer["short_reason"]


def test_an_item_is_turned_by_get_and_by_batch(client: Client) -> None:
    long = ids(ask(client, "/v1/similar", {"seeds": [{"id": "metal-3"}], "limit": 12}))
    first = client.get("/v1/items/metal-3/similar?market=SE&limit=5").json()
    address = f"/v1/items/metal-3/similar?market=SE&limit=7&cursor={first['next_cursor']}"
    assert ids(first) + ids(client.get(address).json()) == long
    query = {"similar": {"seeds": [{"id": "metal-3"}], "context": SE, "limit": 7, "cursor": first["next_cursor"]}}
    (outcome,) = client.post("/v1/batch", json={"queries": [query]}).json()["outcomes"]
    assert ids(outcome["answer"]) == long[5:]


@pytest.mark.parametrize(
    "other",
    [
        {"context": SE | {"explicit": False}},
        {"kinds": ["track"]},
        {"exclude": ["jazz-1"]},
        {"seeds": [{"id": "metal-3", "weight": 0.9}]},
        {"same_recording": True},
        {"context": {"market": "US"}},
    ],
)
def test_another_request_may_not_use_it(client: Client, other: dict[str, Any]) -> None:
    body = {"seeds": [{"id": "metal-3"}], "context": SE}
    cursor = ask(client, "/v1/similar", body)["next_cursor"]
    refused = problem(client.post("/v1/similar", json=body | other | {"cursor": cursor}), "cursor-mismatch")
    assert "Send the same body" in refused["detail"]


def test_another_route_may_not_use_it(client: Client) -> None:
    cursor = ask(client, "/v1/similar", {"seeds": [{"id": "metal-3"}]})["next_cursor"]
    body = {"history": [{"id": "metal-3"}], "context": SE, "cursor": cursor}
    problem(client.post("/v1/recommend", json=body), "cursor-mismatch")


def test_one_changed_by_a_character_is_refused() -> None:
    cursors = Cursors(b"k" * 32, 900)
    query = SimilarRequest(seeds=(Seed("metal-3"),))
    token = cursors.give(query, release="r1", rules="v1", at_s=5, shown_before=ShownBefore((3, 1, 2), 128))
    assert cursors.take(token).shown_before == ShownBefore((3, 1, 2), 128)
    for place, was in enumerate(token):
        for put in "AB_-z9=+/ é":
            if put != was:
                with pytest.raises(Exception, match="expected a `next_cursor` exactly"):
                    cursors.take(token[:place] + put + token[place + 1 :])
    for broken in (token[:-1], token + "A", token + "=", "", "x", token * 2, "\N{SNOWMAN}"):
        with pytest.raises(Exception, match="expected a `next_cursor` exactly"):
            cursors.take(broken)
    with pytest.raises(Exception, match="expected a `next_cursor` exactly"):
        Cursors(b"l" * 32, 900).take(token)


@pytest.mark.parametrize("text", ["x", "é" * 40, "A" * 10_000, "\u0000"])
def test_what_is_no_cursor_is_refused(client: Client, text: str) -> None:
    body = {"seeds": [{"id": "metal-3"}], "context": SE, "cursor": text}
    problem(client.post("/v1/similar", json=body), "cursor-mismatch")


def test_an_old_one_has_expired(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    body: dict[str, Any] = {"seeds": [{"id": "metal-3"}], "context": SE}
    cursor = ask(client, "/v1/similar", body)["next_cursor"]
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 899)
    ask(client, "/v1/similar", body | {"cursor": cursor})
    monkeypatch.setattr("time.time", lambda: now + 901)
    told = problem(client.post("/v1/similar", json=body | {"cursor": cursor}), "cursor-expired")["detail"]
    assert "900 s" in told
    assert "first page" in told


def test_it_outlives_a_restart_but_no_change_of_rules(data_dir: Path) -> None:
    body: dict[str, Any] = {"seeds": [{"id": "metal-3"}], "context": SE, "limit": 5}
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        long = ids(ask(client, "/v1/similar", body | {"limit": 10}))
        cursor = ask(client, "/v1/similar", body)["next_cursor"]
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        assert ids(ask(client, "/v1/similar", body | {"cursor": cursor})) == long[5:]
    proposal = data_dir / "rules.toml"
    proposal.write_text('[explicit]\nunknown = "deny"\n')
    AcceptedRules(data_dir / "rules").propose(proposal)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        told = problem(client.post("/v1/similar", json=body | {"cursor": cursor}), "cursor-expired")
        assert "rules have changed" in told["detail"]


def test_pages_join_under_every_arrangement_rule(data_dir: Path) -> None:
    proposal = data_dir / "rules.toml"
    proposal.write_text(
        "[caps]\nper_creator = 3\n[diversity]\nstrength = 0.4\n[freshness]\nboost = 0.1\n[popularity]\nboost = -0.1\n"
    )
    AcceptedRules(data_dir / "rules").propose(proposal)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        body: dict[str, Any] = {"user_id": "user-3", "history": [{"id": "jazz-8"}], "kinds": BOTH}
        long = ask(client, "/v1/recommend", body | {"limit": 100})
        creators = Counter(hit["creator"] for hit in long["hits"])
        assert max(creators.values()) == 3
        # Twenty makers there are, some of whose items were heard.
        assert len(creators) == 20
        assert "max_per_creator" in long["short_reason"]
        answer = ask(client, "/v1/recommend", body | {"limit": 4})
        listed = ids(answer)
        while "next_cursor" in answer:
            answer = ask(client, "/v1/recommend", body | {"limit": 9, "cursor": answer["next_cursor"]})
            listed += ids(answer)
        assert listed == ids(long)


def test_a_switch_lets_caps_go_and_is_part_of_the_request(data_dir: Path) -> None:
    proposal = data_dir / "rules.toml"
    proposal.write_text('[caps]\nper_creator = 1\n[switches.variety]\nrules = ["caps"]\n')
    AcceptedRules(data_dir / "rules").propose(proposal)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        body: dict[str, Any] = {"seeds": [{"id": "metal-3"}], "kinds": BOTH, "limit": 100}
        assert len(ids(ask(client, "/v1/similar", body))) == 20
        off = body | {"switches": {"variety": False}}
        assert len(ids(ask(client, "/v1/similar", off))) > 60
        cursor = ask(client, "/v1/similar", body | {"limit": 5})["next_cursor"]
        refused = client.post("/v1/similar", json=off | {"context": SE, "cursor": cursor})
        problem(refused, "cursor-mismatch")


def test_a_release_that_is_no_longer_held_is_told(own_client: Client, data_dir: Path) -> None:
    query = SimilarRequest(seeds=(Seed("metal-3"),))
    cursors = Cursors(cursor_key(data_dir), 900)
    cursor = cursors.give(query, release="r20200101000000000", rules="v", at_s=5, shown_before=ShownBefore((1,)))
    body = {"seeds": [{"id": "metal-3"}], "context": SE, "cursor": cursor}
    told = problem(own_client.post("/v1/similar", json=body), "cursor-expired")["detail"]
    assert "r20200101000000000" in told


def test_what_is_hidden_between_pages_does_not_come(own_client: Client, data_dir: Path) -> None:
    body: dict[str, Any] = {"seeds": [{"id": "metal-3"}], "context": SE, "limit": 5}
    long = ids(ask(own_client, "/v1/similar", body | {"limit": 100}))
    first = ask(own_client, "/v1/similar", body)
    journal = FileLog(data_dir / "journal")
    asyncio.run(journal.append((TakenDown(long[6]), Removed(long[8]), TakenDown(long[0]))))
    rest = ask(own_client, "/v1/similar", body | {"limit": 100, "cursor": first["next_cursor"]})
    assert ids(rest) == [found for found in long[5:] if found not in (long[6], long[8])]


def test_a_window_that_closes_between_pages_closes_it(monkeypatch: pytest.MonkeyPatch, own_client: Client) -> None:
    # One item opens in 2030: as if the first page had been asked for then, and the second one before.
    body: dict[str, Any] = {"seeds": [{"id": "jazz-3"}], "context": SE, "limit": 1, "kinds": ["track"]}
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 10 * 365 * 86_400)
    later = ids(ask(own_client, "/v1/similar", body | {"limit": 100}))
    first = ask(own_client, "/v1/similar", body)
    assert "jazz-2" in later[1:]
    monkeypatch.setattr("time.time", lambda: now)
    rest = ask(own_client, "/v1/similar", body | {"limit": 100, "cursor": first["next_cursor"]})
    assert ids(rest) == [found for found in later[1:] if found != "jazz-2"]
    assert "closed them since the first page" in rest["short_reason"]
    # Where `at` is named, that is when it is asked for, on every page.
    named = body | {"context": SE | {"at": OPENS}}
    first = ask(own_client, "/v1/similar", named)
    assert "jazz-2" in ids(ask(own_client, "/v1/similar", named | {"limit": 100, "cursor": first["next_cursor"]}))


def test_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    ready = threading.Barrier(8)

    def make() -> None:
        ready.wait()
        keys.append(cursor_key(tmp_path / "new"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys) == 8
    path = tmp_path / "new" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == [FILE]
    path.write_bytes(b"short")
    with pytest.raises(DamagedError, match="Remove it"):
        cursor_key(tmp_path / "new")


def test_the_deepest_cursor_fits_in_a_request() -> None:
    cursors = Cursors(b"k" * 32, 900)
    query = SimilarRequest(seeds=(Seed("metal-3"),))
    deepest = cursors.give(
        query, release="r1", rules="v1", at_s=5, shown_before=ShownBefore(tuple(range(MAX_DEPTH - 1)), 4096)
    )
    assert len(deepest) < 10_000
    assert len(cursors.take(deepest).shown_before.rows) == MAX_DEPTH - 1 == 999


def test_a_list_ends_when_it_is_deep_enough(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    # The world has fewer items than a list may have: as if lists ended at 20.
    monkeypatch.setattr("service.queries.pagination.MAX_DEPTH", 20)
    body: dict[str, Any] = {"seeds": [{"id": "metal-3"}], "limit": 10}
    first = ask(client, "/v1/similar", body)
    second = ask(client, "/v1/similar", body | {"cursor": first["next_cursor"]})
    assert len(ids(second)) == 10
    assert "next_cursor" not in second
