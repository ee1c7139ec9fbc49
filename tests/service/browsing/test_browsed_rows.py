"""Facets, listings and suggestions against a plain reading of rows and rules, while rows and rules change."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import pytest
from litestar.testing import TestClient

from embedding.rows.schema import Item
from indexing.release.release import Release
from service.app import create_app
from service.hunt.browse_draws import items_path, suggest_path
from service.hunt.draws import Draws, Question
from service.loaded import lazy_index
from service.loaded.lazy_index import LazyIndex
from service.loaded.name_words import name_words
from service.main import open_dependencies
from service.schemas.settings import Settings
from service.workers.products import InProcess
from tests.copied_folders import copied
from tests.service.loaded.test_leaks_everywhere import NOW_S, World
from tests.service.world import ODD_ID

if TYPE_CHECKING:
    from service.workers.asgi import App

STEPS = 25


def of_field(items: list[Item], field: str) -> Counter[str]:
    """How many items have each value."""
    match field:
        case "kind":
            return Counter(item.kind for item in items)
        case "language":
            return Counter(item.language for item in items if item.language)
        case "tags":
            return Counter(tag for item in items for tag in set(item.tags))
        case _:
            return Counter(name for item in items for name in set(item.all_creators))


def has(name: str, typed: str) -> bool:
    """Whether a name has all words typed, the last of them begun."""
    words, (*whole, begun) = name_words(name), name_words(typed)
    return all(word in words for word in whole) and any(word.startswith(begun) for word in words)


async def check(product: InProcess, world: World, question: Question, dice: random.Random) -> None:
    """Ask in one context for all that there is, and compare."""
    posted = {name: value for name, value in (question.body or {}).items() if name != "fields"}
    may_come = [
        item
        for item in world.items.values()
        if item.id not in question.left_out and world.rules.forbids(item, question.asked) is None
    ]
    limit = dice.choice((2, 100))
    counted = (await product.ask("POST", "/v1/facets", posted | {"limit": limit})).content
    assert counted["count"] == len(may_come)
    for field, facet in counted["facets"].items():
        expected = of_field(may_come, field)
        ranked = sorted(expected.items(), key=lambda one: (-one[1], one[0]))[:limit]
        assert [(one["value"], one["count"]) for one in facet["values"]] == ranked
        assert facet["other"] == expected.total() - sum(number for _, number in ranked)
        assert facet["missing"] == (sum(item.language is None for item in may_come) if field == "language" else 0)
    listed: list[str] = []
    path, cursor = items_path(posted, dice, dice.choice((7, 1_000))), ""
    while True:
        page = (await product.ask("GET", path + cursor, None)).content
        listed += [item["id"] for item in page["items"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(listed) == sorted(item.id for item in may_come)
    path = suggest_path(posted, dice, list(world.items.values()), 100)
    typed = dict(parse_qsl(path.split("?", 1)[1]))["q"]
    suggested = (await product.ask("GET", path, None)).content
    if suggested.get("status") == 400:
        assert name_words(typed) == []
        return
    names = {item.title for item in may_come} | {name for item in may_come for name in item.all_creators}
    exact = {name for name in names if has(name, typed)}
    texts = [one["text"] for one in suggested["suggestions"]]
    assert set(texts[: len(exact)]) == exact
    assert set(texts) <= names


def test_whatever_changes_all_that_may_come_is_counted_listed_and_suggested(tower_world: Path, tmp_path: Path) -> None:
    data_dir = copied(tower_world, tmp_path / "world")
    parts = open_dependencies(Settings(data_dir=data_dir))
    world = World(parts, data_dir, seed=4)
    dice = random.Random(5)

    async def run() -> None:
        app = create_app(parts)
        async with app.lifespan():
            await asyncio.to_thread(parts.encoder.load_now)
            product = InProcess(cast("App", app))
            for step in range(STEPS):
                draws = Draws(list(world.items.values()), step, NOW_S)
                for _ in range(3):
                    (question,) = (one for one in draws.questions(draws.context(), None) if one.route == "facets")
                    await check(product, world, question, dice)
                await world.change()

    asyncio.run(run())


def test_a_listing_goes_on_where_it_was_whatever_is_put_meanwhile(tower_world: Path, tmp_path: Path) -> None:
    """In the order of the catalogue nothing comes twice, and nothing is missing."""
    data_dir = copied(tower_world, tmp_path / "world")
    settings = Settings(data_dir=data_dir, admin_token="of-a-test")
    rows = [{"id": f"new-{number}", "kind": "track", "title": "New", "creator": "New"} for number in range(4)]
    with TestClient(create_app(open_dependencies(settings))) as service:

        def put(row: dict[str, Any]) -> None:
            answer = service.put("/v1/items", json={"items": [row]}, headers={"Authorization": "Bearer of-a-test"})
            assert answer.status_code == 200, answer.text

        put(rows[0])
        parameters: dict[str, Any] = {"market": "SE", "limit": 9, "fields": ""}
        listed: list[str] = []
        while True:
            page = service.get("/v1/items", params=parameters).json()
            listed += [item["id"] for item in page["items"]]
            if "next_cursor" not in page:
                break
            # What was shown comes anew, and something new besides.
            put(rows[0] | {"title": f"Anew {len(listed)}"})
            put({"id": listed[0], "kind": "track", "title": f"Anew {len(listed)}", "creator": "New"})
            put(rows[len(listed) % 4])
            parameters["cursor"] = page["next_cursor"]
    assert len(listed) == len(set(listed)) == 77 + len(rows)
    assert listed[0] == ODD_ID


def test_an_index_that_could_not_be_made_is_made_for_the_next_one(
    tower_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = open_dependencies(Settings(data_dir=tower_world)).live.release
    index = LazyIndex()

    def fail(_: Release) -> None:
        raise MemoryError

    async def run() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(lazy_index, "_names", fail)
            with pytest.raises(MemoryError):
                await index.of(release)
        first, second = await asyncio.gather(index.of(release), index.of(release))
        assert first is second is await index.of(release)
        assert len(first.matching(["jazz"])) > 0

    asyncio.run(run())
