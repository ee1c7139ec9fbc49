"""Exclusions of a request: what it was asked with, what it excludes by id, what the listener has heard."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.journal.current_rows import CurrentRows
from service.loaded.exclusions import NOTHING_HEARD, Exclusions
from service.loaded.known_ids import find_rows
from service.schemas.requests import Selection

# Up to so many ids are looked up beforehand; of more, each row that a page meets is asked for its id instead.
_FEW_IDS = 32


def exclusions_of(
    query: Selection,
    rows: CurrentRows,
    *,
    asked_with: Sequence[int] = (),
    heard: NDArray[np.int32] = NOTHING_HEARD,
) -> Exclusions:
    """What must not come back to this one request: rows that it was `asked_with`, (H,) `heard` ones, ascending, and
    what it names."""
    posted = set(asked_with)
    num_ids = len(query.exclude) + len(query.context.blocked_items)
    if num_ids <= _FEW_IDS:
        if num_ids:
            posted |= find_rows(rows.find, query.exclude, query.context.blocked_items)
        return Exclusions(posted, heard=heard)
    return Exclusions(posted, ids=(*query.exclude, *query.context.blocked_items), names=rows, heard=heard)
