"""A release whose rows crowd together by creator, tag and recording, over planted vectors; opened without HTTP."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.world import PlantedEncoder, build_world
from embedding.rows.schema import Item, Window
from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.releases.releases import Releases
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.state.files import FilesState
from indexing.state.records import Put
from indexing.stores.edge import EdgeStore
from service.arranging.page import Pages
from service.loaded.loaded_release import LoadedRelease
from service.ranking.rankings import Rankings

NUM_ITEMS = 400
DIMS = 16
AT_S = 1_750_000_000
CONTEXT = RequestContext(market="SE", at_s=AT_S)
ENCODER = PlantedEncoder(DIMS)
DAY_S = 86_400


def fields(number: int) -> dict[str, object]:
    """What the catalogue says of an item: one in five is the recording of the item before it, on another album."""
    dice = random.Random(number)
    twin = number - 1 if number % 5 == 4 else number
    twin_dice = random.Random(twin + 10_000)
    creators = [f"Maker {twin_dice.randrange(12)}", f"Maker {twin_dice.randrange(12)}"][: twin_dice.randrange(1, 3)]
    row: dict[str, object] = {
        "id": f"item-{number}",
        "kind": "track" if twin % 4 else "episode",
        "title": f"centre-{twin_dice.randrange(6)} item-{twin}",
        "creator": creators[0],
        "creators": creators if number == twin else creators[::-1],
        "tags": [f"tag {dice.randrange(9)}" for _ in range(dice.randrange(4))],
        "popularity": dice.random(),
        "availability": [{"market": "US"}] if number % 11 == 0 else [{"market": "*"}],
    }
    if number % 3:
        row["language"] = "en-US" if number % 3 == 1 else "sv"
    if dice.random() < 0.8:
        row["published_at"] = datetime.fromtimestamp(AT_S - dice.randrange(2_000) * DAY_S, UTC).isoformat()
    return row


def _rows(num_items: int) -> Iterator[dict[str, object]]:
    return map(fields, range(num_items))


class Over(NamedTuple):
    """What makes rankings of some rows, and pages out of rankings."""

    rankings: Rankings
    pages: Pages


class ArrangedWorld:
    """The release, opened once, as it is with the journal's frames applied."""

    def __init__(self, folder: Path) -> None:
        build_world(folder, NUM_ITEMS, PlantedEncoder(DIMS), _rows)
        self._accepted: dict[int, bool] = {}
        self.store = EdgeStore(folder / "releases")

        async def opened() -> Release:
            releases = Releases(folder, self.store, FilesState(folder))
            release = releases.open(await releases.live_id())
            await self.store.open(release.id)
            return release

        self.release = asyncio.run(opened())
        self.rules = HardRules(RuleSet(), "test", self.release.classes, self.store.prepare, self.release.share)

    def accepts(self, rows: CurrentRows, row: int) -> bool:
        """Whether the rules let a row pass in CONTEXT."""
        if row >= NUM_ITEMS:
            return self.rules.compile(CONTEXT).accepts(rows.payload(row))
        if row not in self._accepted:
            self._accepted[row] = self.rules.compile(CONTEXT).accepts(rows.payload(row))
        return self._accepted[row]

    def fresh(self) -> tuple[CurrentRows, Over]:
        """Rows with an empty journal, and what makes rankings and pages over them."""
        rows = CurrentRows(self.release)
        served = LoadedRelease(release=self.release, rows=rows, rules=self.rules, tower=None)
        return rows, Over(Rankings(self.store, served), Pages(served))


def put(number: int, item_id: str, *, open_in: str = "*") -> Put:
    """The journal's record of an item that is as item `number` of the catalogue, under an id of its own."""
    row = fields(number)
    item = Item(
        id=item_id,
        kind=row["kind"],  # type: ignore[arg-type]
        title=str(row["title"]),
        creator=str(row["creator"]),
        creators=tuple(row["creators"]),  # type: ignore[arg-type]
        tags=tuple(row["tags"]),  # type: ignore[arg-type]
        popularity=float(row["popularity"]),  # type: ignore[arg-type]
        language=row.get("language"),  # type: ignore[arg-type]
        availability=(Window(open_in),),
    )
    return Put(item, {ENCODER.hash: ENCODER.encode([item.title])[0].astype("<f4").tobytes()}, {})
