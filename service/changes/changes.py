"""Changes over HTTP (rows put and removed, takedowns): in the journal before they are acknowledged."""

import asyncio
import heapq
import re
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from embedding.protocols import TextEncoder
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.rejects import Fault
from embedding.rows.row_parser import RowProblem
from embedding.rows.schema import Item
from indexing.errors import RulesError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.takedowns import Takedown, lift, place_of, take_down
from indexing.releases.known_items import unknown_items
from indexing.releases.releases import Author, Releases
from indexing.rules.payload_fields import check_payload_fields
from indexing.state.records import Put, Removed
from service.changes.compactor import Compactor
from service.changes.following import Following
from service.loaded.loaded_release import LoadedRelease
from service.ranking.encoder_gate import EncoderGate
from service.schemas.problems import FieldError, ProblemError, invalid, invalid_fields
from service.schemas.requests import component
from service.schemas.validation import shown

MAX_ROWS = 100
_CURSOR = re.compile(r"(?P<number>\d{1,18})\.(?P<id>.+)", re.DOTALL)

# The encoder is None for a release without text vectors.
MakePuts = Callable[[Sequence[Item], CurrentRows, TextEncoder | None], list[Put]]


class PutRows(Struct, frozen=True, forbid_unknown_fields=True):
    """Whole catalogue rows, as in a file; a row of an id that is there replaces it."""

    items: Annotated[
        list[Annotated[msgspec.Raw, Meta(extra_json_schema=component("CatalogueRow"))]],
        Meta(min_length=1, max_length=MAX_ROWS, description="Catalogue rows (docs/rows.md)."),
    ]


class Changed(Struct, frozen=True, omit_defaults=True):
    """The change holds, in every worker, from the next request on; or it is kept, and holds in all but those named."""

    release: str
    revision: int
    # How many rows were put, removed, hidden or shown again.
    items: int
    # Number of the change in the log: `GET /v1/changes/{number}` says whether it holds everywhere.
    number: int
    # Workers that may still answer without it, for some time; left out where there is none.
    waiting_for: tuple[str, ...] = ()


class Hidden(Struct, frozen=True, omit_defaults=True):
    """Whether the id is taken down now; `known` tells whether the live release has it; the rest as in `Changed`."""

    id: str
    taken_down: bool
    known: bool
    release: str
    revision: int
    number: int
    waiting_for: tuple[str, ...] = ()


class TakedownList(Struct, frozen=True, omit_defaults=True):
    """What is taken down, oldest first; `next_cursor` is left out where there is no more."""

    takedowns: tuple[Takedown, ...]
    next_cursor: str | None = None


class RulesText(Struct, frozen=True, forbid_unknown_fields=True):
    """A rules file as it stands, in TOML."""

    toml: Annotated[
        str,
        Meta(
            description="The text of a rules file (docs/rules.md).",
            extra_json_schema={"contentMediaType": "application/toml"},
        ),
    ]


class Accepted(Struct, frozen=True, omit_defaults=True):
    """The rules are in force; the rest as in `Changed`."""

    version: str
    number: int
    waiting_for: tuple[str, ...] = ()


class Everywhere(Struct, frozen=True):
    """Whether a change holds in every worker that may answer, or which it waits for."""

    number: int
    everywhere: bool
    waiting_for: tuple[str, ...]


class Changes:
    """Writes to the journal for one worker."""

    def __init__(
        self,
        live: Callable[[], LoadedRelease],
        releases: Releases,
        follower: Following,
        encoder: EncoderGate,
        make_puts: MakePuts,
        compactor: Compactor,
        ack_wait_s: float,
    ) -> None:
        """`live` gives the live release as it is loaded now; `ack_wait_s`: how long all workers are waited for."""
        self._compactor = compactor
        self._live = live
        self._releases = releases
        self._state = releases.state
        self._follower = follower
        self._ack_wait_s = ack_wait_s
        self._encoder = encoder
        self._make_puts = make_puts

    async def put(self, body: PutRows, gone: Callable[[], bool]) -> Changed:
        """Put rows, all or none; a 400 problem names all faults of every bad one; 503 where no encoder comes.

        Nothing is kept where `gone()` tells, once texts are encoded, that nobody waits for the answer any more: a
        client that gave up takes what it sent for not kept.
        """
        items = _rows(body)
        puts = await self._puts(items, self._live().rows)
        if gone():
            raise ProblemError("invalid-request", "The client left before its rows were kept, and nothing was.")
        return await self._changed(await self._state.append(puts), len(items))

    async def _puts(self, items: Sequence[Item], rows: CurrentRows) -> list[Put]:
        if not rows.release.has_text:
            return await asyncio.to_thread(self._make_puts, items, rows, None)
        return await self._encoder.run(lambda encoder: self._make_puts(items, rows, encoder))

    async def remove(self, item_id: str) -> Changed:
        """Take a row out of the catalogue; a 404 problem where there is none."""
        live = self._live()
        if live.rows.row_of(item_id) < 0:
            raise ProblemError("unknown-item", f"Release {live.release.id} has no item with the id {shown(item_id)}.")
        return await self._changed(await self._state.append([Removed(item_id)]), 1)

    async def take_down(self, item_id: str, author: Author, *, ahead: bool) -> Hidden:
        """Hide an id on every release; a 404 problem for one that no kept release and no change knows, unless it is to
        be hidden `ahead` of its coming."""
        live = self._live()
        if not ahead and live.rows.row_of(item_id) < 0 and await unknown_items(self._releases, [item_id]):
            raise ProblemError(
                "unknown-item",
                f"No release that is kept here and no change has an item with the id {shown(item_id)}. To hide it "
                "before it comes, say ?ahead=true.",
            )
        number = await take_down(self._state, [item_id], author.by, author.why, live.release.id)
        return await self._hidden(number, item_id)

    async def lift(self, item_id: str, author: Author) -> Hidden:
        """Undo a takedown; where there is none nothing is done, and waited for all the same."""
        await lift(self._state, [item_id], author.by, author.why)
        return await self._hidden(await self._state.end(), item_id)

    def takedowns(self, limit: int, cursor: str | None) -> TakedownList:
        """A page of what is taken down; a 400 problem for a cursor that none was given as."""
        after = (0, "")
        if cursor is not None:
            found = _CURSOR.fullmatch(cursor)
            if found is None:
                raise invalid("cursor", "`next_cursor` of the page before", shown(cursor))
            after = int(found["number"]), found["id"]
        left = (one for one in self._live().rows.taken_down.values() if place_of(one) > after)
        page = heapq.nsmallest(limit + 1, left, key=place_of)
        more = f"{page[limit - 1].number}.{page[limit - 1].id}" if len(page) > limit else None
        return TakedownList(tuple(page[:limit]), more)

    async def accept_rules(self, body: RulesText, by: str) -> Accepted:
        """Put rules in force on every release; a 400 problem for rules that cannot be taken, or obeyed here."""
        manifest = self._live().release.manifest
        try:
            version = await self._state.accept(
                body.toml.encode(), "toml", lambda ruleset: check_payload_fields(ruleset, manifest), by
            )
        except RulesError as error:
            raise invalid("toml", "rules that can be taken", str(error)) from error
        number = await self._state.end()
        return Accepted(version, number, await self._waiting_for(number))

    async def everywhere(self, number: int) -> Everywhere:
        """Whether change `number` holds everywhere; a 404 problem where the log has not come so far."""
        end = await self._state.end()
        if not 1 <= number <= end:
            raise ProblemError("unknown-change", f"The log ends at {end}: there is no change {number}.")
        waiting = tuple(await self._state.unacknowledged(number, 0))
        return Everywhere(number, not waiting, waiting)

    async def _waiting_for(self, number: int) -> tuple[str, ...]:
        waiting = await self._state.unacknowledged(number, self._ack_wait_s)
        await self._follower.arrive()
        return tuple(waiting)

    async def _changed(self, number: int, num: int) -> Changed:
        waiting = await self._waiting_for(number)
        live = self._live()
        self._compactor.look(live.rows)
        return Changed(live.release.id, live.rows.revision, num, number, waiting)

    async def _hidden(self, number: int, item_id: str) -> Hidden:
        waiting = await self._waiting_for(number)
        live = self._live()
        rows = live.rows
        known = rows.row_of(item_id) >= 0
        return Hidden(item_id, item_id in rows.taken_down, known, live.release.id, rows.revision, number, waiting)


def _rows(body: PutRows) -> list[Item]:
    items: list[Item] = []
    errors: list[FieldError] = []
    places: dict[str, int] = {}
    for place, raw in enumerate(body.items):
        try:
            item = CATALOGUE_PARSER.from_json(bytes(raw))
        except RowProblem as problem:
            first = None if problem.row is None else places.get(problem.row.id)
            all_of_it = problem if first is None else problem.with_more(_came_before(problem.row.id, first))
            errors += _field_errors(place, all_of_it.faults)
            continue
        first = places.setdefault(item.id, place)
        if first != place:
            errors += _field_errors(place, [_came_before(item.id, first)])
        items.append(item)
    if errors:
        raise invalid_fields(tuple(errors))
    return items


def _came_before(item_id: str, first: int) -> Fault:
    return Fault("id", f"an id that did not come before (first at items[{first}])", shown(item_id))


def _field_errors(place: int, faults: Sequence[Fault]) -> list[FieldError]:
    return [FieldError(f"items[{place}].{fault.field}".rstrip("."), fault.expected, fault.came) for fault in faults]
