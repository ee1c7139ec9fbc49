"""Facets: how many of the selected rows have each value of a field, exactly, from the columns."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedding.rows.languages import canonical
from indexing.columns.postings import Postings
from indexing.payload.payload import NO_LANGUAGE, Payload
from service.browsing.selected_rows import SelectedRows
from service.browsing.spelling import spelling_of
from service.loaded.loaded_release import LoadedRelease
from service.schemas.browsing import Facet, FacetField, FacetValue


class FacetCounts:
    """Counts rows of one loaded release; not in the event loop's thread, where it would hold all others."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._release, self._rows = loaded.release, loaded.rows

    def counted(
        self, selected: SelectedRows, fields: Sequence[FacetField], limit: int
    ) -> tuple[int, dict[FacetField, Facet]]:
        """How many rows there are, and for each field the `limit` values that most of them have."""
        new = [self._rows.new.payloads[slot] for slot in selected.slots.tolist()]
        count = int(np.count_nonzero(selected.own)) + len(new)
        return count, {field: self._facet(field, selected, new, count, limit) for field in fields}

    def _facet(self, field: FacetField, selected: SelectedRows, new: list[Payload], count: int, limit: int) -> Facet:
        match field:
            case "kind":
                return _of_few(self._by_combination("kind", selected, new), count, limit)
            case "language":
                told = Counter[str]()
                for prefixes, number in self._by_combination("languages", selected, new).items():
                    if prefixes != (NO_LANGUAGE,):
                        # The last is the whole tag, in lower case.
                        told[canonical(prefixes[-1]) or prefixes[-1]] += number
                return _of_few(told, count, limit)
            case "tags":
                tags = self._release.fields.tags
                with_any = np.count_nonzero(selected.own[tags.rows_of_any]) + sum(bool(row.tags) for row in new)
                values, other = _most(tags, selected, (set(row.tags) for row in new), limit)
                return Facet(values, other, count - int(with_any))
            case "creators":
                values, other = _most(self._release.creators.whole, selected, (row.creator_keys for row in new), limit)
                spelt = [FacetValue(spelling_of(one.value, selected, self._rows), one.count) for one in values]
                return Facet(spelt, other, 0)

    def _by_combination(self, field: str, selected: SelectedRows, new: list[Payload]) -> Counter[Any]:
        combinations = self._release.rule_combinations
        found = Counter[Any](combinations.by_value(field, combinations.counts_in(selected.own)))
        found.update(getattr(row, field) for row in new)
        return found


def _of_few(counts: Mapping[str, int], count: int, limit: int) -> Facet:
    ranked = sorted(((value, number) for value, number in counts.items() if number), key=lambda one: (-one[1], one[0]))
    listed = [FacetValue(value, number) for value, number in ranked[:limit]]
    total = sum(number for _, number in ranked)
    return Facet(listed, total - sum(one.count for one in listed), count - total)


def _most(
    postings: Postings, selected: SelectedRows, new: Iterable[Iterable[str]], limit: int
) -> tuple[list[FacetValue], int]:
    """The values that most rows have, and what the counts of all others come to."""
    counts = postings.counts(selected.own)
    only_new: Counter[str] = Counter()
    for values in new:
        for value in values:
            number = postings.number(value)
            if number < 0:
                only_new[value] += 1
            else:
                counts[number] += 1
    total = int(counts.sum()) + only_new.total()
    found = [(postings.value(number), int(counts[number])) for number in _first(counts, postings, limit)]
    found = sorted([*found, *only_new.items()], key=lambda one: (-one[1], one[0]))[:limit]
    return [FacetValue(value, number) for value, number in found], total - sum(number for _, number in found)


def _first(counts: NDArray[np.int64], postings: Postings, limit: int) -> list[int]:
    """The numbers of the `limit` most frequent values; of equals those that come first as texts."""
    least = 1
    if len(counts) > limit:
        least = max(1, int(np.partition(counts, -limit)[-limit]))
    there = np.flatnonzero(counts > least)
    equals = np.flatnonzero(counts == least)
    room = limit - len(there)
    if len(equals) > room:
        equals = equals[np.argpartition(postings.places[equals], room)[:room]] if room else equals[:0]
    return [*there.tolist(), *equals.tolist()]
