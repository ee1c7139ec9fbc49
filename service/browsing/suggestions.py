"""Suggestions: titles and creators that go on as was typed, the most popular first, of selected rows alone."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.names import name_key
from indexing.payload.payload import Payload
from service.browsing.selected_rows import SelectedRows
from service.browsing.spelling import spelling_of
from service.loaded.loaded_release import LoadedRelease
from service.loaded.name_index import NameIndex
from service.loaded.name_words import name_words
from service.schemas.browsing import Suggestion

_WIDEN = 4


class Suggested(Struct, frozen=True):
    """A suggestion, how popular it is, and the row that bears it: to be re-checked before it is shown.

    `key` is the same for those of which one is enough, `place` stands for the catalogue's order.
    """

    key: str
    suggestion: Suggestion
    standing: float
    place: int
    row: int


class Suggester:
    """Suggests names of one loaded release; not in the event loop's thread."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._release, self._rows = loaded.release, loaded.rows
        # Of the journal's rows, as many as there were when it was made.
        self._new: tuple[int, _NewNames] | None = None

    def suggested(self, index: NameIndex, words: Sequence[str], selected: SelectedRows, limit: int) -> list[Suggested]:
        """Up to `limit` that have all `words`, the last of them begun; where these are fewer, those with one typing
        error after them. Each by falling popularity, equals in the order of the catalogue, titles first."""
        found: dict[str, Suggested] = {}
        for exact in (True, False):
            if len(found) >= limit:
                break
            own = index.matching(words) if exact else index.nearly_matching(words)
            several = [*self._own(own, selected, limit, found), *self._of_new(words, selected, exact=exact)]
            best: dict[str, Suggested] = {}
            for one in sorted(several, key=lambda one: (-one.standing, one.place)):
                if one.key not in found:
                    best.setdefault(one.key, one)
            found |= dict(list(best.items())[: limit - len(found)])
        return list(found.values())

    def _own(
        self, names: NDArray[np.int32], selected: SelectedRows, limit: int, known: dict[str, Suggested]
    ) -> list[Suggested]:
        """The best `limit` of the release's own names that are not `known`, each once."""
        standings = selected.standings[names]
        names, standings = names[standings >= 0], standings[standings >= 0]
        # The least is the most popular, and of equals the first by number.
        order = (-standings.view(np.int32)).astype(np.int64) << 32 | names
        width = limit + len(known)
        while True:
            width *= _WIDEN
            chosen = np.partition(order, width)[:width] if len(order) > width else order
            found: dict[str, Suggested] = {}
            for name in (np.unique(chosen) & 0xFFFFFFFF).tolist():
                one = self._title(name, selected) if name < self._rows.num_own else self._creator(name, selected)
                if one.key not in known:
                    found.setdefault(one.key, one)
                if len(found) == limit:
                    return list(found.values())
            if len(chosen) == len(order):
                return list(found.values())

    def _title(self, row: int, selected: SelectedRows) -> Suggested:
        called = self._release.columns.names(row)
        shown = Suggestion(called.title, "title", called.id, called.kind, called.creator)
        return Suggested(f"title {name_key(called.title)}", shown, float(selected.standings[row]), row, row)

    def _creator(self, name: int, selected: SelectedRows) -> Suggested:
        creators, standings = self._release.creators.whole, selected.standings
        number = name - self._rows.num_own
        rows, key = creators.rows_at(number), creators.value(number)
        best = int(rows[np.argmax(standings[rows])])
        shown = Suggestion(spelling_of(key, selected, self._rows), "creator")
        return Suggested(f"creator {key}", shown, float(standings[name]), name, best)

    def _new_names(self) -> "_NewNames":
        num = len(self._rows.new)
        if self._new is None or self._new[0] != num:
            self._new = num, _NewNames(self._rows.new.payloads[:num])
        return self._new[1]

    def _of_new(self, words: Sequence[str], selected: SelectedRows, *, exact: bool) -> list[Suggested]:
        """The names of the journal's rows, each once, with its most popular row."""
        if not len(selected.slots):
            return []
        new, start = self._new_names(), self._rows.num_own
        popularity = {slot: new.payloads[slot].popularity for slot in selected.slots.tolist()}
        found = []
        names = new.index.matching(words) if exact else new.index.nearly_matching(words)
        for name in np.unique(names).tolist():
            bearers = [slot for slot in new.bearers(name) if slot in popularity]
            if not bearers:
                continue
            best = max(bearers, key=popularity.__getitem__)
            payload = new.payloads[best]
            if name < len(new.payloads):
                shown = Suggestion(payload.title, "title", payload.id, payload.kind, payload.creator)
                key = f"title {name_key(payload.title)}"
            else:
                key = new.creators[name - len(new.payloads)]
                shown = Suggestion(spelling_of(key, selected, self._rows), "creator")
                key = f"creator {key}"
            place = start + len(self._release.creators.whole) + name
            found.append(Suggested(key, shown, popularity[best], place, start + best))
        return found


class _NewNames:
    """The names of the journal's rows: titles by slot, then creators."""

    def __init__(self, payloads: Sequence[Payload]) -> None:
        self.payloads = payloads
        slots_of: defaultdict[str, list[int]] = defaultdict(list)
        for slot, payload in enumerate(payloads):
            for key in payload.creator_keys:
                slots_of[key].append(slot)
        self.creators = list(slots_of)
        self._slots = list(slots_of.values())
        titles = (name_words(payload.title) for payload in payloads)
        self.index = NameIndex.of(chain(titles, map(name_words, self.creators)))

    def bearers(self, name: int) -> Sequence[int]:
        """The slots of the rows that have a name."""
        return [name] if name < len(self.payloads) else self._slots[name - len(self.payloads)]
