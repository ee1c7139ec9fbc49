"""The boosts: what is added to the scores of rows for what they are. A new boost is a line here."""

from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.rules.arrangement import Arrangement
from service.arranging.row_features import RowFeatures

# As rules files and explanations name them (ScoreParts).
BoostName = Literal["freshness", "popularity", "own_language"]


class Boost(Protocol):
    """Adds to the score of each row."""

    @property
    def name(self) -> BoostName:
        """What the boost is called."""

    def weight(self, arrangement: Arrangement) -> float:
        """How much of it an arrangement asks for; 0 for none."""

    def values(
        self, features: RowFeatures, rows: NDArray[np.int64], arrangement: Arrangement, at_s: int
    ) -> NDArray[np.float64]:
        """(R,) between 0 and 1, before the weight, as of `at_s`."""


class Freshness:
    """Half as much for each half-life that has gone by since a row was published."""

    name: BoostName = "freshness"

    def weight(self, arrangement: Arrangement) -> float:
        """As Boost."""
        return arrangement.freshness

    def values(
        self, features: RowFeatures, rows: NDArray[np.int64], arrangement: Arrangement, at_s: int
    ) -> NDArray[np.float64]:
        """As Boost."""
        return features.freshness(rows, at_s, arrangement.freshness_half_life_days)


class Popularity:
    """A row's popularity."""

    name: BoostName = "popularity"

    def weight(self, arrangement: Arrangement) -> float:
        """As Boost."""
        return arrangement.popularity

    def values(
        self,
        features: RowFeatures,
        rows: NDArray[np.int64],
        arrangement: Arrangement,  # noqa: ARG002  # as Boost
        at_s: int,  # noqa: ARG002  # as Boost
    ) -> NDArray[np.float64]:
        """As Boost."""
        return features.popularity(rows)


class OwnLanguage:
    """Whether a row is in the language that the request named first."""

    name: BoostName = "own_language"

    def weight(self, arrangement: Arrangement) -> float:
        """As Boost."""
        return 0.0 if arrangement.listener_language is None else arrangement.own_language

    def values(
        self,
        features: RowFeatures,
        rows: NDArray[np.int64],
        arrangement: Arrangement,
        at_s: int,  # noqa: ARG002  # as Boost
    ) -> NDArray[np.float64]:
        """As Boost."""
        language = arrangement.listener_language
        return np.zeros(len(rows)) if language is None else features.spoken(rows, language).astype(np.float64)


BOOSTS: tuple[Boost, ...] = (Freshness(), Popularity(), OwnLanguage())


# As many as caps.
@lru_cache(256)
def active_boosts(arrangement: Arrangement) -> tuple[tuple[Boost, float], ...]:
    """The boosts that an arrangement asks for, each with its weight."""
    return tuple((boost, weight) for boost in BOOSTS if (weight := boost.weight(arrangement)))


def boosts_of(
    rows: NDArray[np.int64], features: RowFeatures, arrangement: Arrangement, at_s: int
) -> dict[BoostName, NDArray[np.float64]]:
    """What each boost that an arrangement asks for adds to the scores of rows (R,)."""
    return {
        boost.name: weight * boost.values(features, rows, arrangement, at_s)
        for boost, weight in active_boosts(arrangement)
    }
