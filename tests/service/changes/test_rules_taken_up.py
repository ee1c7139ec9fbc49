"""Rules that are accepted while a service runs: from the next request on, on every release that is held."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from numpy.typing import NDArray

from indexing.search.plans_file import read_plans, write_plans
from indexing.state.file_rules import AcceptedRules
from service.app import create_app, open_router
from service.main import open_dependencies
from service.schemas.requests import Context, SearchRequest
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.loaded.test_leaks import stale_copy
from tests.service.workers.serving_processes import eventually
from tests.service.world import EXPLICIT, NO_LANGUAGE

BLOCKED, OTHER = "metal-3", "metal-4"


class World:
    """A service over two releases, and the folder where its rules are accepted."""

    def __init__(self, data_dir: Path, client: Client, releases: list[str]) -> None:
        self.data_dir, self.client, self.releases = data_dir, client, releases

    def accept(self, text: str) -> str:
        """As another process does it."""
        file = self.data_dir / "rules.toml"
        file.write_text(text)
        return AcceptedRules(self.data_dir / "rules").propose(file)

    def shown(self, **body: Any) -> set[str]:
        answer = self.client.post("/v1/similar", json={"seeds": [{"id": "metal-1"}], "limit": 100} | body)
        assert answer.status_code == 200, answer.text
        return {hit["id"] for hit in answer.json()["hits"]}

    def ready(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/health/ready").json()
        return found


@pytest.fixture
def world(text_world: Path, tmp_path: Path) -> Iterator[World]:
    data_dir = tmp_path / "world"
    copied(text_world, data_dir)
    (live,) = (data_dir / "releases").glob("r*")
    # The same rows under another id: rules do not look at when a release was built.
    older = live.with_name("r20200101000000000")
    copied(live, older)
    manifest = older / "manifest.json"
    manifest.write_text(manifest.read_text().replace(live.name, older.name))
    settings = Settings(data_dir=data_dir, default_market="SE", pinned_releases=(older.name,))
    with TestClient(create_app(open_dependencies(settings))) as client:
        yield World(data_dir, client, [older.name, live.name])


def test_the_next_request_obeys_on_every_release(world: World) -> None:
    assert set(world.ready()["held"]) == set(world.releases)
    pinned: list[dict[str, Any]] = [{}, *({"release": release} for release in world.releases)]
    for text, gone in (
        (f'[blocked]\nitems = ["{BLOCKED}"]\n', {BLOCKED}),
        (f'[blocked]\ncreators = ["METAL  makers 4"]\nitems = ["{OTHER}"]\n', {OTHER, "metal-9"}),
        ("", set()),
    ):
        version = world.accept(text)
        for body in pinned:
            shown = world.shown(**body)
            assert {BLOCKED, OTHER, "metal-9"} - shown == gone, body
        by_get = world.client.get("/v1/items/metal-1/similar", params={"limit": 100}).json()
        assert {BLOCKED, OTHER, "metal-9"} - {hit["id"] for hit in by_get["hits"]} == gone
        assert world.ready()["rules_version"] == version


def test_what_was_worked_out_under_the_rules_before_is_gone(world: World) -> None:
    strict = {"context": {"explicit": False, "languages": ["en"]}}
    for _ in range(2):
        assert NO_LANGUAGE in world.shown(**strict)
        world.accept('[languages]\nunknown = "deny"\n')
        assert NO_LANGUAGE not in world.shown(**strict)
        world.accept('[explicit]\nunknown = "deny"\n')
        assert NO_LANGUAGE not in world.shown(**strict)
        assert EXPLICIT in world.shown()
        world.accept("")


def test_rules_that_cannot_be_read_leave_those_before_and_ready_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    blocking = world.accept(f'[blocked]\nitems = ["{BLOCKED}"]\n')
    assert BLOCKED not in world.shown()
    version = world.accept("")
    (world.data_dir / "rules" / f"{version}.toml").write_text("[explicit")
    for _ in range(2):
        assert BLOCKED not in world.shown()
    ready = world.ready()
    assert ready["status"] == "ready"
    assert ready["rules_version"] == blocking
    assert "cannot be read" in ready["rules_refused"]
    assert f"Rules {blocking} stay in force here" in ready["rules_refused"]
    assert [record.levelno for record in caplog.records if "stay in force here" in record.getMessage()] == [
        logging.ERROR
    ]
    world.accept("")
    assert BLOCKED in world.shown()
    assert "rules_refused" not in world.ready()


def test_rules_on_a_field_that_the_live_release_does_not_hold_need_a_build(world: World) -> None:
    blocking = world.accept(f'[blocked]\nitems = ["{BLOCKED}"]\n')
    assert BLOCKED not in world.shown()
    world.accept('[extra.mood]\ntype = "keyword"\ndenied = ["grim"]\n')
    assert BLOCKED not in world.shown()
    ready = world.ready()
    assert ready["rules_version"] == blocking
    assert "needs a build" in ready["rules_refused"]


def test_a_query_in_flight_ends_under_the_rules_it_began_with(
    text_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search waits for its vector; meanwhile rules change that forbid what it will find."""
    data_dir = tmp_path / "world"
    copied(text_world, data_dir)
    parts = open_dependencies(Settings(data_dir=data_dir, default_market="SE"))
    router = open_router(parts)
    asked, may_go_on = asyncio.Event(), asyncio.Event()

    async def vector(_text: str) -> NDArray[np.float32]:
        asked.set()
        await may_go_on.wait()
        found: NDArray[np.float32] = parts.live.rows.vectors("text", [parts.live.rows.find("metal-1")])[0]
        return found

    monkeypatch.setattr(parts.encoder, "vector", vector)
    query = SearchRequest(text="metal", context=Context(explicit=False), limit=100)

    async def run() -> tuple[bytes, bytes]:
        await parts.store.open(parts.live.release.id)
        in_flight = asyncio.create_task(router.live.answer(query))
        await asked.wait()
        file = data_dir / "rules.toml"
        file.write_text(f'[blocked]\nitems = ["{BLOCKED}"]\n[explicit]\nunknown = "deny"\n')
        AcceptedRules(data_dir / "rules").propose(file)
        router.obey(parts.state.reader().fresh_rules)
        may_go_on.set()
        old = await in_flight
        new = await router.live.answer(query)
        await parts.store.close()
        return bytes(old.hits), bytes(new.hits)  # type: ignore[arg-type]

    old, new = asyncio.run(run())
    # All of the old rules, or all of the new ones.
    assert [f'"{item}"'.encode() in old for item in (BLOCKED, NO_LANGUAGE)] == [True, True]
    assert [f'"{item}"'.encode() in new for item in (BLOCKED, NO_LANGUAGE)] == [False, False]


def test_plans_measured_for_the_new_rules_are_taken_up_too(world: World) -> None:
    live = world.releases[-1]
    before = read_plans(world.data_dir, live, world.ready()["rules_version"])
    assert before is not None
    world.shown()
    assert world.ready()["unmeasured_shapes"] == 0
    version = world.accept('[explicit]\nunknown = "deny"\n')
    # Until the doctor has come, plans of the rules before.
    world.shown()
    assert world.ready()["unmeasured_shapes"] == 1
    write_plans(world.data_dir, replace(before, rules_version=version))
    eventually(lambda: world.ready()["unmeasured_shapes"] == 0)
    world.shown()
    assert world.ready()["unmeasured_shapes"] == 0


def test_leaks_are_counted_on_when_rules_change(text_world: Path, tmp_path: Path) -> None:
    data_dir = stale_copy(text_world, tmp_path)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
        world = World(data_dir, client, [])
        for leaks, text in enumerate(('[explicit]\nunknown = "deny"\n', "", '[languages]\nunknown = "deny"\n'), 1):
            world.shown(seeds=[{"id": "jazz-8"}])
            assert world.ready()["leaks"] == 2 * leaks
            world.accept(text)


def test_rules_come_into_force_by_a_route_whole_or_not_at_all(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copied(text_world, data_dir)
    settings = Settings(data_dir=data_dir, default_market="SE", admin_token="s3cret")
    headers = {"Authorization": "Bearer s3cret"}
    with TestClient(create_app(open_dependencies(settings))) as client:
        before = client.get("/health/ready").json()["rules_version"]
        done = client.put("/v1/rules", json={"toml": f'[blocked]\nitems = ["{BLOCKED}"]\n'}, headers=headers)
        assert done.status_code == 200, done.text
        found = client.post("/v1/search", json={"text": "metal", "limit": 100}).json()["hits"]
        assert found
        assert BLOCKED not in {hit["id"] for hit in found}
        assert client.get("/health/ready").json()["rules_version"] == done.json()["version"] != before
        refused = client.put("/v1/rules", json={"toml": "[blocked]\nitem = 1\n"}, headers=headers)
        assert refused.status_code == 400
        assert "item" in refused.json()["detail"]
        assert client.put("/v1/rules", json={"toml": ""}).status_code == 403
        assert client.get("/health/ready").json()["rules_version"] == done.json()["version"]
