"""Changes over HTTP (rows put and removed, takedowns): in the journal before they are acknowledged."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from embedding.protocols import TextEncoder
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.row_parser import RowProblem
from embedding.rows.schema import Item
from indexing.journal.current_rows import CurrentRows
from indexing.journal.log import JournalLog
from indexing.journal.records import Put, Removed
from indexing.journal.takedowns import lift, take_down
from service.changes.compactor import Compactor
from service.loaded.loaded_release import LoadedRelease
from service.ranking.encoder_gate import EncoderGate
from service.schemas.problems import FieldError, ProblemError, invalid_fields
from service.schemas.validation import shown

MAX_ROWS = 100

# The encoder is None for a release without text vectors.
MakePuts = Callable[[Sequence[Item], CurrentRows, TextEncoder | None], list[Put]]


class PutRows(Struct, frozen=True, forbid_unknown_fields=True):
    """Whole catalogue rows, as in a file; a row of an id that is there replaces it."""

    items: Annotated[
        list[msgspec.Raw], Meta(min_length=1, max_length=MAX_ROWS, description="Catalogue rows (docs/rows.md).")
    ]


class Changed(Struct, frozen=True):
    """The change holds, in every worker, from the next request on."""

    release: str
    revision: int
    # How many rows were put, removed, hidden or shown again.
    items: int


class Hidden(Struct, frozen=True):
    """Whether the id is taken down now; `known` tells whether the live release has it."""

    id: str
    taken_down: bool
    known: bool
    release: str
    revision: int


class Changes:
    """Writes to the journal for one worker."""

    def __init__(
        self,
        loaded: LoadedRelease,
        log: JournalLog,
        encoder: EncoderGate,
        make_puts: MakePuts,
        compactor: Compactor,
    ) -> None:
        self._compactor = compactor
        self._loaded = loaded
        self._log = log
        self._encoder = encoder
        self._make_puts = make_puts

    async def put(self, body: PutRows) -> Changed:
        """Put rows, all or none; a 400 problem names every bad one, a 503 problem where no encoder comes."""
        items = _rows(body)
        rows = self._loaded.rows
        await self._log.append(await self._puts(items, rows))
        return await self._changed(len(items))

    async def _puts(self, items: Sequence[Item], rows: CurrentRows) -> list[Put]:
        if not rows.release.has_text:
            return await asyncio.to_thread(self._make_puts, items, rows, None)
        return await self._encoder.run(lambda encoder: self._make_puts(items, rows, encoder))

    async def remove(self, item_id: str) -> Changed:
        """Take a row out of the catalogue; a 404 problem where there is none."""
        if self._loaded.rows.row_of(item_id) < 0:
            raise ProblemError(
                "unknown-item", f"Release {self._loaded.release.id} has no item with the id {shown(item_id)}."
            )
        await self._log.append([Removed(item_id)])
        return await self._changed(1)

    async def take_down(self, item_id: str) -> Hidden:
        """Hide an id on every release, also one that is not there yet."""
        await take_down(self._log, [item_id])
        return await self._hidden(item_id)

    async def lift(self, item_id: str) -> Hidden:
        """Undo a takedown; nothing happens where there is none."""
        await lift(self._log, [item_id])
        return await self._hidden(item_id)

    async def _changed(self, num: int) -> Changed:
        await self._loaded.catch_up()
        self._compactor.look(self._loaded.rows)
        return Changed(self._loaded.release.id, self._loaded.rows.revision, num)

    async def _hidden(self, item_id: str) -> Hidden:
        await self._loaded.catch_up()
        rows = self._loaded.rows
        known = rows.row_of(item_id) >= 0
        return Hidden(item_id, item_id in rows.taken_down, known, self._loaded.release.id, rows.revision)


def _rows(body: PutRows) -> list[Item]:
    items: list[Item] = []
    errors: list[FieldError] = []
    places: dict[str, int] = {}
    for place, raw in enumerate(body.items):
        try:
            item = CATALOGUE_PARSER.from_json(bytes(raw))
        except RowProblem as error:
            errors.append(FieldError(f"items[{place}].{error.field}".rstrip("."), error.expected, error.came))
            continue
        first = places.setdefault(item.id, place)
        if first != place:
            expected = f"an id that did not come before (first at items[{first}])"
            errors.append(FieldError(f"items[{place}].id", expected, shown(item.id)))
        items.append(item)
    if errors:
        raise invalid_fields(tuple(errors))
    return items
