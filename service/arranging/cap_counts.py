"""Counting against the caps: how many rows of each creator, tag or recording a list holds so far."""

from collections.abc import Iterable, Sequence

from indexing.rules.arrangement import Arrangement
from service.arranging.caps import Cap, CapName, Groups, active_caps
from service.arranging.given_recordings import GivenRecordings
from service.arranging.row_features import RowFeatures


def rows_to_spare(arrangement: Arrangement, limit: int, given: GivenRecordings | None = None) -> int:
    """How many rows more than a page of `limit` are read, for those that caps will keep out."""
    spare = max([cap.spare(limit) for cap, _ in active_caps(arrangement)], default=0)
    if given is None or arrangement.same_recording:
        return spare
    return spare + given.spare(limit)


class CapCounts:
    """Counts what one list holds so far, over all of its pages; the list asks it before each row."""

    def __init__(self, arrangement: Arrangement, features: RowFeatures, given: GivenRecordings | None = None) -> None:
        """`given` count as shown where one recording comes once."""
        self._features = features
        self._given = None if arrangement.same_recording else given
        self._caps: list[tuple[Cap, int, Groups, dict[int, int]]] = [
            (cap, most, cap.groups(features), {}) for cap, most in active_caps(arrangement)
        ]

    def surely_hold(self, rows: Sequence[int]) -> bool:
        """Whether `take` would take each of `rows` one after the other, into a list that is still empty.

        False where it takes longer to tell.
        """
        if self._given is not None and self._given.has_any(rows):
            return False
        return all([cap.surely_holds(self._features, rows) for cap, _, _, _ in self._caps])  # noqa: C419  # faster

    def take(self, row: int) -> CapName | None:
        """Count the row in and give None, or give the name of the cap that it would break, and count nothing."""
        if self._given is not None and self._given.has(row):
            return "same_recording"
        counted: list[tuple[dict[int, int], Sequence[int]]] = []
        for cap, most, groups, counts in self._caps:
            of_row = groups(row)
            for group in of_row:
                if counts.get(group, 0) >= most:
                    return cap.name
            counted.append((counts, of_row))
        for counts, of_row in counted:
            for group in of_row:
                counts[group] = counts.get(group, 0) + 1
        return None

    def count(self, rows: Iterable[int]) -> None:
        """Count rows in that were shown on earlier pages, whatever they would break now."""
        for row in rows:
            for _, _, groups, counts in self._caps:
                for group in groups(row):
                    counts[group] = counts.get(group, 0) + 1
