"""What caps, boosts and diversity read of rows as they are now: columns of the release, rows of the journal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.columns.arrangement_features import RowFeature, features_of
from indexing.columns.recordings import NO_RECORDING
from indexing.filters.predicate import predicate
from indexing.filters.spoken import spoken
from indexing.journal.current_rows import CurrentRows

_DAY_S = 86_400


class RowFeatures:
    """Traits by row number; a row never changes, so what was read of one stays true."""

    def __init__(self, rows: CurrentRows) -> None:
        self._rows = rows
        self._own = rows.release.features
        self._num_own = rows.num_own
        self._new: list[RowFeature] = []

    def recording(self, row: int) -> int:
        """The recording that a row is of (indexing/columns/arrangement_features.py)."""
        return self._own.recording(row) if row < self._num_own else self._of_new(row).recording

    def recordings(self, rows: Sequence[int]) -> list[int]:
        """`recording` of each row."""
        if not rows or max(rows) < self._num_own:
            return self._own.recordings_of(rows)
        return [self.recording(row) for row in rows]

    def shared(self, rows: Sequence[int]) -> list[int]:
        """Those of `rows` whose recording may be that of another row of the release too."""
        is_shared, num_own = self._own.by_recording.is_shared, self._num_own
        return [row for row in rows if row >= num_own or is_shared[row]]

    def alike(self, row: int) -> Sequence[int]:
        """The release's rows of the same recording as a row, itself among them where it is the release's."""
        if not self.shared((row,)):
            return ()
        recording = self.recording(row)
        return () if recording == NO_RECORDING else self._own.by_recording.rows_of(recording)

    def creators(self, row: int) -> Sequence[int]:
        """Numbers of a row's creators."""
        return self._own.creators(row) if row < self._num_own else self._of_new(row).creators

    def tags(self, row: int) -> Sequence[int]:
        """Numbers of a row's tags."""
        return self._own.tags(row) if row < self._num_own else self._of_new(row).tags

    def popularity(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) between 0 and 1."""
        own, new = self._split(rows)
        values = np.empty(len(rows))
        values[own] = self._own.popularity[rows[own]]
        values[new] = [self._of_new(row).popularity for row in rows[new].tolist()]
        return values

    def freshness(self, rows: NDArray[np.int64], at_s: int, half_life_days: float) -> NDArray[np.float64]:
        """(R,) 2 ** (-age / half-life): 1 for what is published now, or later; 0 where it is not known when."""
        own, new = self._split(rows)
        published_at, fractions_us = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
        published_at[own] = self._own.published_at[rows[own]]
        fractions_us[own] = self._own.published_fractions(rows[own])
        of_new = [self._of_new(row) for row in rows[new].tolist()]
        published_at[new] = [row.published_at for row in of_new]
        fractions_us[new] = [row.published_fraction_us for row in of_new]
        # Not known when is as old as can be: the power of two comes to 0.
        age_s = at_s - published_at.astype(np.float64) - fractions_us / 1_000_000
        age_days = np.maximum(0.0, age_s) / _DAY_S
        return np.exp2(-age_days / half_life_days)

    def spoken(self, rows: NDArray[np.int64], language_range: str) -> NDArray[np.bool_]:
        """(R,) which rows are in a language that `language_range` takes, as the rule on languages reads it."""
        own, new = self._split(rows)
        where = spoken(frozenset({language_range}), or_unknown=False)
        combinations = self._rows.release.rule_combinations
        values = np.empty(len(rows), np.bool_)
        values[own] = combinations.among(rows[own], combinations.mask(where))
        passes = predicate(where)
        values[new] = [passes(row, self._rows.new.payloads[row - self._num_own]) for row in rows[new].tolist()]
        return values

    def _split(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        own = rows < self._num_own
        return own, ~own

    def _of_new(self, row: int) -> RowFeature:
        slot = row - self._num_own
        while len(self._new) <= slot:
            self._new.append(features_of(self._rows.new.payloads[len(self._new)]))
        return self._new[slot]
