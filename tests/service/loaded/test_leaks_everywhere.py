"""No answer ever holds a forbidden item, on any route, cached, paged, pinned or begun while something changes.

Rows are put, removed, taken down and lifted, and rules accepted, as other processes do it, between requests and beside
them. The oracle is the plain reading of rows and rules that the leak hunt judges by.
"""

import asyncio
import random
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from embedding.rows.schema import EVERYWHERE, Item, Window
from indexing.journal.takedowns import lift, take_down
from indexing.state.file_rules import AcceptedRules
from indexing.state.records import Removed
from service.app import create_app
from service.dependencies import Dependencies
from service.hunt.draws import Draws, Question
from service.hunt.judge import Judge
from service.hunt.plain_rules import PlainRules
from service.hunt.tally import Tally
from service.main import open_dependencies
from service.schemas.settings import Settings
from service.workers.products import InProcess
from tests.copied_folders import copied
from tests.service.world import OPENS_S, make_items

if TYPE_CHECKING:
    from service.workers.asgi import App

NOW_S = 1_800_000_000
RULES = (
    "",
    '[explicit]\nunknown = "deny"\n[blocked]\nitems = ["metal-3", "jazz-9"]\n',
    '[languages]\nunknown = "deny"\n[blocked]\ncreators = ["Crime  MAKERS 2", "jazz makers 4"]\n',
)
WINDOWS = (
    EVERYWHERE,
    (Window("SE"), Window("US", NOW_S)),
    (Window("SE", NOW_S - 10, NOW_S), Window("SE", NOW_S + 1)),
    (Window("*", OPENS_S),),
)


class World:
    """What is true now: rows and rules as they were last written; `change` writes something else."""

    def __init__(self, parts: Dependencies, data_dir: Path, seed: int) -> None:
        self.parts = parts
        self.items = {item.id: item for item in make_items()}
        self.rules = PlainRules({})
        self._rules_file = data_dir / "rules.toml"
        self._accepted = AcceptedRules(data_dir / "rules")
        self._random = random.Random(seed)
        self._hidden: dict[str, Item] = {}

    async def change(self) -> None:
        """One change of any sort, written to the journal or to the rules."""
        await self._random.choice((self._accept, self._put, self._put, self._remove, self._hide, self._show))()

    async def _accept(self) -> None:
        text = self._random.choice(RULES)
        self._rules_file.write_text(text)
        self._accepted.propose(self._rules_file)
        self.rules = PlainRules(tomllib.loads(text))

    async def _put(self) -> None:
        """Rows that are new to their windows, ages and flags; some come back after they were removed."""
        rows = [
            msgspec.structs.replace(
                row,
                availability=self._random.choice(WINDOWS),
                explicit=self._random.choice((True, False, None)),
                min_age=self._random.choice((0, 12, 18)),
                language=self._random.choice(("en-GB", "it", None)),
            )
            for row in self._random.sample(make_items(), 3)
            if row.id not in self._hidden
        ]
        puts = await self.parts.encoder.run(lambda encoder: self.parts.make_puts(rows, self.parts.live.rows, encoder))
        await self.parts.state.append(puts)
        self.items |= {row.id: row for row in rows}

    async def _remove(self) -> None:
        gone = self._random.choice(sorted(self.items))
        await self.parts.state.append([Removed(gone)])
        del self.items[gone]

    async def _hide(self) -> None:
        hidden = self._random.choice(sorted(self.items))
        await take_down(self.parts.state, [hidden])
        self._hidden[hidden] = self.items.pop(hidden)

    async def _show(self) -> None:
        if self._hidden:
            shown, item = self._hidden.popitem()
            await lift(self.parts.state, [shown])
            self.items[shown] = item

    def wrong(self, question: Question, answer: dict[str, Any]) -> list[str]:
        """Ids of an answer that must not be there as things stand."""
        return [
            hit["id"]
            for hit in answer["hits"]
            if hit["id"] in question.left_out
            or (item := self.items.get(hit["id"])) is None
            or self.rules.forbids(item, question.asked)
        ]


def test_whatever_changes_between_requests_and_beside_them(tower_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "world"
    copied(tower_world, data_dir)
    (live,) = (data_dir / "releases").glob("r*")
    older = live.with_name("r20200101000000000")
    copied(live, older)
    manifest = older / "manifest.json"
    manifest.write_text(manifest.read_text().replace(live.name, older.name))
    parts = open_dependencies(Settings(data_dir=data_dir, pinned_releases=(older.name,)))
    world = World(parts, data_dir, seed=1)
    tally = Tally()

    async def run() -> None:
        app = create_app(parts)
        async with app.lifespan():
            await asyncio.to_thread(parts.encoder.load_now)
            product = InProcess(cast("App", app))
            for step in range(60):
                draws = Draws(list(world.items.values()), step, NOW_S)
                asked = draws.context()
                judge = Judge(product, world.items, world.rules, tally)
                for release in (None, older.name):
                    for question in draws.questions(asked, release):
                        # The second time all that is kept of the first is there.
                        for _ in range(2):
                            tally.pairs += len(await judge.ask(question))
                assert judge.absent == set()
                await beside(draws, product)

    async def beside(draws: Draws, product: InProcess) -> None:
        """Queries that are under way while something changes end as if before it or after it, never in between."""
        questions = [one for one in draws.questions(draws.context(), None) if one.route in ("similar", "search")]
        before = world.items.copy(), world.rules
        replies = asyncio.gather(*(product.ask(one.method, one.path, one.body) for one in questions * 2))
        await asyncio.gather(world.change(), replies)
        for question, reply in zip(questions * 2, await replies, strict=True):
            assert reply.status == 200
            if world.wrong(question, reply.content):
                after = world.items, world.rules
                world.items, world.rules = before
                assert world.wrong(question, reply.content) == []
                world.items, world.rules = after

    asyncio.run(run())
    assert (tally.wrong, tally.findings) == (0, [])
    assert sum(count.questions for count in tally.routes.values()) > 1_200
    assert tally.pairs > 15_000
    assert {*tally.routes} >= {
        "similar",
        "GET similar",
        "recommend",
        "search",
        "fallback",
        "mix",
        "pages",
        "batch",
        "facets",
        "items",
        "suggest",
    }
