"""Filtered iteration over a presorted list: the rows that a context's rules let pass, as far as asked.

Columns tell of thousands of rows at a time which ones may pass; only those are asked one by one.
"""

from collections.abc import Callable

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexing.columns.field_columns import FieldColumns
from indexing.columns.presorted import PresortedList
from indexing.filters.algebra import All
from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from indexing.rules.compiled import CompiledContext
from indexing.search.allowed_rows import split_conditions
from service.loaded.verdicts import Verdict

# A first page takes few steps, and a context that lets hardly anything pass not many more.
_FIRST_STEP, _LARGEST_STEP = 1_024, 1 << 17
# A walk holds some thousands of rows where one was asked for 1,000, the deepest that a page may lie; and where more is
# asked than the rule combinations tell, a byte for each row of the release.
_NUM_KEPT = 32

Placed = tuple[float, int]
"""A row behind the value that it is ordered by."""


class FilteredIterator:
    """One order under the rules of one context: from place `start` on, then what stands before it."""

    def __init__(
        self, order: PresortedList, start: int, fields: FieldColumns, compiled: CompiledContext, verdict: Verdict
    ) -> None:
        self._order, self._start, self._verdict = order, start, verdict
        self._may_pass = _told(fields, compiled)
        self._num_seen, self._step = 0, _FIRST_STEP
        self._found: list[Placed] = []
        self._new: list[Placed] = []
        self._new_seq = -1

    def own(self, number: int) -> list[Placed]:
        """The first `number` of the release's own rows that pass, or all there are."""
        rows, values, passes = self._order.rows, self._order.values, self._verdict.passes
        while len(self._found) < number and self._num_seen < len(rows):
            end = min(self._num_seen + self._step, len(rows))
            places = (np.arange(self._num_seen, end) + self._start) % len(rows)
            places = places[self._may_pass(rows[places])]
            placed = zip(values.take(places).tolist(), rows[places].tolist(), strict=True)
            self._found += [(value, row) for value, row in placed if passes(row)]
            self._num_seen = end
            self._step = min(2 * self._step, _LARGEST_STEP)
        return self._found[:number]

    def new(self, current: CurrentRows, value_of: Callable[[Payload], float | None]) -> list[Placed]:
        """The journal's rows that pass and have a value, by falling value."""
        if self._new_seq != current.seq:
            slots = self._verdict.new_slots().tolist()
            valued = ((value_of(current.new.payloads[slot]), current.num_own + slot) for slot in slots)
            placed = [(value, row) for value, row in valued if value is not None]
            self._new = sorted(placed, key=lambda one: -one[0])
            self._new_seq = current.seq
        return self._new


class FilteredIterators:
    """The walks of the contexts that asked last."""

    def __init__(self, fields: FieldColumns) -> None:
        self._fields = fields
        # By identity, as hashing a compiled context would walk its filter; holding it keeps the identity its own.
        self._kept: LRUCache[tuple[int, int, int], tuple[PresortedList, CompiledContext, FilteredIterator]] = LRUCache(
            _NUM_KEPT
        )

    def of(self, order: PresortedList, start: int, compiled: CompiledContext, verdict: Verdict) -> FilteredIterator:
        """The walk through `order` under the rules of a compiled context, whose `verdict` is given."""
        key = id(order), start, id(compiled)
        kept = self._kept.get(key)
        if kept is None:
            iterator = FilteredIterator(order, start, self._fields, compiled, verdict)
            kept = self._kept[key] = order, compiled, iterator
        return kept[2]


def _told(fields: FieldColumns, compiled: CompiledContext) -> Callable[[NDArray[np.int32]], NDArray[np.bool_]]:
    """Which of some rows pass, but for the creators that somebody blocks."""
    told, _, rest = split_conditions(compiled.filter)
    if rest:
        passing = fields.mask(All((*told, *rest)))
        return lambda rows: passing[rows]
    combinations = fields.combinations.mask(All(told))
    return lambda rows: fields.combinations.among(rows, combinations)
