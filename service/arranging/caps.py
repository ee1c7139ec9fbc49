"""The caps: how many rows of one creator, tag or recording may stand together in one list. A new cap is a line here."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, Protocol

from indexing.columns.recordings import NO_RECORDING
from indexing.rules.arrangement import Arrangement
from service.arranging.row_features import RowFeatures

# As rules files and `why` name them.
CapName = Literal["max_per_creator", "max_per_tag", "same_recording"]

Groups = Callable[[int], Sequence[int]]
"""The numbers of the groups that a row belongs to."""


class Cap(Protocol):
    """At most so many rows of each group in one list."""

    @property
    def name(self) -> CapName:
        """What the cap is called."""

    @property
    def reason(self) -> str:
        """How rows that it keeps out are told in a short reason, after their number."""

    def most(self, arrangement: Arrangement) -> int | None:
        """How many rows of a group an arrangement lets stand together; None for any number."""

    def spare(self, limit: int) -> int:
        """How many rows more than a page of `limit` are worth reading for those that it will keep out."""

    def groups(self, features: RowFeatures) -> Groups:
        """The groups of each row."""

    def surely_holds(self, features: RowFeatures, rows: Sequence[int]) -> bool:
        """Whether `rows` surely break nothing in a list of their own; False where looking one by one is as fast."""


class PerCreator:
    """At most so many rows of each creator."""

    name: CapName = "max_per_creator"
    reason = "by the cap on hits per creator (max_per_creator)"

    def most(self, arrangement: Arrangement) -> int | None:
        """As Cap."""
        return arrangement.max_per_creator

    def spare(self, limit: int) -> int:
        """As Cap: what is near one another is often of one creator."""
        return 2 * limit

    def groups(self, features: RowFeatures) -> Groups:
        """As Cap."""
        return features.creators

    def surely_holds(self, features: RowFeatures, rows: Sequence[int]) -> bool:  # noqa: ARG002  # as Cap
        """As Cap."""
        return False


class PerTag:
    """At most so many rows of each tag."""

    name: CapName = "max_per_tag"
    reason = "by the cap on hits per tag (max_per_tag)"

    def most(self, arrangement: Arrangement) -> int | None:
        """As Cap."""
        return arrangement.max_per_tag

    def spare(self, limit: int) -> int:
        """As Cap."""
        return 2 * limit

    def groups(self, features: RowFeatures) -> Groups:
        """As Cap."""
        return features.tags

    def surely_holds(self, features: RowFeatures, rows: Sequence[int]) -> bool:  # noqa: ARG002  # as Cap
        """As Cap."""
        return False


class OneRecording:
    """One recording once; a row without one (an episode) is alike to no other."""

    name: CapName = "same_recording"
    reason = "as recordings that are in the list already, or were given or heard (same_recording)"

    def most(self, arrangement: Arrangement) -> int | None:
        """As Cap."""
        return None if arrangement.same_recording else 1

    def spare(self, limit: int) -> int:
        """As Cap: few tracks are there twice."""
        return limit // 8

    def groups(self, features: RowFeatures) -> Groups:
        """As Cap."""
        recording = features.recording

        def of(row: int) -> Sequence[int]:
            number = recording(row)
            return () if number == NO_RECORDING else (number,)

        return of

    def surely_holds(self, features: RowFeatures, rows: Sequence[int]) -> bool:
        """As Cap: mostly so, and then told of all rows together in a tenth of the time."""
        recordings = features.recordings(rows)
        distinct = set(recordings) - {NO_RECORDING}
        return len(distinct) + recordings.count(NO_RECORDING) == len(recordings)


CAPS: tuple[Cap, ...] = (PerCreator(), PerTag(), OneRecording())


# Each worker meets a few: those of its rules, and of the switches that requests set.
@lru_cache(256)
def active_caps(arrangement: Arrangement) -> tuple[tuple[Cap, int], ...]:
    """The caps that an arrangement asks for, each with how many rows of a group may stand together."""
    return tuple((cap, most) for cap in CAPS if (most := cap.most(arrangement)) is not None)
