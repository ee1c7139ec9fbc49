"""What a listener has heard, as the query tower takes it: known history first, the posted one as newest."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.users import HISTORY_LIMIT, History
from service.context import epoch_s
from service.requests import Listen
from service.rows import Found


class Listening(Struct, frozen=True):
    """Rows and weights (H,), newest last, at most as many as the tower was trained on."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]


def by_time(history: Sequence[Listen]) -> Sequence[Listen]:
    """The listens, oldest first: those without a time before all others, as in a release's own histories.

    Raises a 400 problem for a time that is not one.
    """
    if all(listen.at is None for listen in history):
        return history
    keys = [_epoch_s(listen, place) for place, listen in enumerate(history)]
    return [history[place] for place in sorted(range(len(history)), key=keys.__getitem__)]


def _epoch_s(listen: Listen, place: int) -> float:
    if listen.at is None:
        return float("-inf")
    return epoch_s(listen.at, f"history[{place}].at") if isinstance(listen.at, str) else listen.at


def join(known: History | None, posted: Found) -> Listening:
    """One history out of both; an item in both counts where it was posted, an item heard again where it was newest."""
    last = {row: place for place, row in enumerate(posted.rows)}
    newest = sorted(last.values())
    rows = np.asarray([posted.rows[place] for place in newest], dtype=np.int64)
    weights = np.asarray([posted.weights[place] for place in newest], dtype=np.float32)
    if known is not None:
        older = ~np.isin(known.rows, rows)
        rows = np.concatenate((known.rows[older], rows))
        weights = np.concatenate((known.weights[older], weights))
    return Listening(rows[-HISTORY_LIMIT:], weights[-HISTORY_LIMIT:])
