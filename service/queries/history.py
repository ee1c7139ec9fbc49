"""The listening history that the query tower reads: what the release knows, then what was posted.

A posted listen counts less the older it is; how old, only its `at` tells.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.release.users import HISTORY_LIMIT, History
from service.loaded.known_ids import Found
from service.queries.context import posted_us
from service.schemas.requests import Listen

# A month of listening is one mood of a taste. What is older than three of them stays, at an eighth: it is taste still,
# and who comes back after a year is not nobody. Ages count from the newest listen for the same reason.
HALF_LIFE_S = 30 * 86_400
LEAST_DECAY = 1 / 8


class Listening(Struct, frozen=True):
    """Rows, weights and decays (H,), newest last, at most as many as the tower was trained on.

    A decay, above 0 and at most 1, is how much of its weight a listen still has; None where all have all of it.
    """

    rows: NDArray[np.integer[Any]]
    weights: NDArray[np.float32]
    decays: NDArray[np.float32] | None = None

    def where(self, kept: NDArray[np.bool_]) -> "Listening":
        """Those listens alone that `kept` (H,) says."""
        decays = None if self.decays is None else self.decays[kept]
        return Listening(self.rows[kept], self.weights[kept], decays)


class Posted(Struct, frozen=True):
    """Posted listens, oldest first, and the decay of each; None where no time was given, and all count in full."""

    listens: Sequence[Listen]
    decays: NDArray[np.float32] | None = None


def by_time(history: Sequence[Listen]) -> Posted:
    """The listens in order: those without a time before all others, as in a release's own histories, and as old as
    the oldest that has one.

    Raises a 400 problem for a time that is not one.
    """
    if all(listen.at is None for listen in history):
        return Posted(history)
    times = np.array([_epoch_s(listen, place) for place, listen in enumerate(history)])
    order = np.argsort(times, kind="stable")
    dated = times[np.isfinite(times)]
    ages_s = dated.max() - np.maximum(times[order], dated.min())
    decays = np.maximum(LEAST_DECAY, 2.0 ** (-ages_s / HALF_LIFE_S)).astype(np.float32)
    return Posted([history[place] for place in order.tolist()], decays)


def _epoch_s(listen: Listen, place: int) -> float:
    if listen.at is None:
        return float("-inf")
    return posted_us(listen.at, f"history[{place}].at") / 1e6 if isinstance(listen.at, str) else listen.at


def join(known: History | None, found: Found, decays: NDArray[np.float32] | None = None) -> Listening:
    """One history out of a known one and a posted one, whose entries had these `decays`.

    An item in both counts where it was posted, an item heard again where it was newest, one of weight 0 nowhere.
    What is known is as old as the oldest that was posted.
    """
    if known is not None and not found.rows:
        # Read-only where they lie in the release; a tensor wants to own what it is made of.
        return Listening(known.rows[-HISTORY_LIMIT:], known.weights[-HISTORY_LIMIT:].copy())
    last = {row: place for place, row in enumerate(found.rows)}
    newest = sorted(last.values())
    rows = np.asarray([found.rows[place] for place in newest], dtype=np.int64)
    weights = np.asarray([found.weights[place] for place in newest], dtype=np.float32)
    left = None if decays is None else decays[[found.places[place] for place in newest]]
    if known is not None:
        older = ~np.isin(known.rows, rows)
        if left is not None:
            left = np.concatenate((np.full(np.count_nonzero(older), left.min(), np.float32), left))
        rows = np.concatenate((known.rows[older], rows))
        weights = np.concatenate((known.weights[older], weights))
    said = np.flatnonzero(weights)[-HISTORY_LIMIT:]
    return Listening(rows[said], weights[said], None if left is None else left[said])
