"""Listings: selected rows in an order, from where the page before ended."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.times import FIRST_S
from indexing.columns.arrangement_features import NEVER_PUBLISHED
from indexing.columns.presorted import UNDATED, freshness_of
from indexing.payload.payload import Payload
from service.browsing.selected_rows import SelectedRows
from service.loaded.loaded_release import LoadedRelease
from service.schemas.browsing import Order

_US = 1_000_000
# Rows that are new to the release come after all of its own, in an order that is the same for every worker.
_BEYOND_OWN = 1 << 62

Position = tuple[int, int]
"""What a row is ordered by, falling, and its place among equals, rising."""


class ListedRows(Struct, frozen=True):
    """The rows of a page, and the position of the last of them; `more` when there are some after it."""

    rows: list[int]
    position: Position | None
    more: bool


class Listing:
    """Lists rows of one loaded release; not in the event loop's thread."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._release, self._rows = loaded.release, loaded.rows

    def page(self, selected: SelectedRows, order: Order, after: Position | None, limit: int) -> ListedRows:
        """The `limit` rows after a position (None: the first). A changed item keeps its place in the order `row`."""
        own = np.flatnonzero(selected.own)
        slots = selected.slots.tolist()
        rows = np.concatenate((own, selected.slots + self._rows.num_own))
        places = np.concatenate((own, np.array([self._place(slot) for slot in slots], np.int64)))
        payloads = [self._rows.new.payloads[slot] for slot in slots]
        values = np.concatenate((self._values(order, own), np.array(_of_new(order, payloads), np.int64)))
        if after is not None:
            left = np.flatnonzero((values < after[0]) | ((values == after[0]) & (places > after[1])))
            rows, places, values = rows[left], places[left], values[left]
        chosen = _first(values, places, limit)
        if not len(chosen):
            return ListedRows([], None, more=False)
        last = chosen[-1]
        position = int(values[last]), int(places[last])
        return ListedRows(rows[chosen].tolist(), position, more=len(chosen) < len(rows))

    def _place(self, slot: int) -> int:
        origin = self._rows.new.origins[slot]
        return origin if origin >= 0 else _BEYOND_OWN | self._rows.mark_of(self._rows.num_own + slot)

    def _values(self, order: Order, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        features = self._release.features
        match order:
            case "row":
                return np.zeros(len(rows), np.int64)
            case "newest":
                seconds = features.published_at[rows]
                us = np.maximum(seconds, FIRST_S) * _US + features.published_fractions(rows)
                return np.where(seconds == NEVER_PUBLISHED, UNDATED, us)
            case "popular":
                return features.popularity[rows].view(np.int32).astype(np.int64)


def _of_new(order: Order, payloads: Sequence[Payload]) -> list[int]:
    match order:
        case "row":
            return [0] * len(payloads)
        case "newest":
            return [freshness_of(payload) for payload in payloads]
        case "popular":
            popular = np.array([payload.popularity for payload in payloads], np.float32)
            # Of numbers from 0 on the bits rise as they do.
            bits: list[int] = popular.view(np.int32).tolist()
            return bits


def _first(values: NDArray[np.int64], places: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """The first `limit`, by falling value and rising place."""
    chosen = np.arange(len(values))
    if len(values) > limit:
        least = np.partition(values, -limit)[-limit]
        above, equals = np.flatnonzero(values > least), np.flatnonzero(values == least)
        room = limit - len(above)
        if len(equals) > room:
            equals = equals[np.argpartition(places[equals], room - 1)[:room]]
        chosen = np.concatenate((above, equals))
    ordered: NDArray[np.int64] = chosen[np.lexsort((places[chosen], -values[chosen]))]
    return ordered
