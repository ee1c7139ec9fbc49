"""Which vectors the doctor asks with: rows of the release, as seeds are, and its listeners where it has a tower."""

import numpy as np

from embedding.protocols import QueryTower, Vectors
from indexing.columns.columns import Columns, PointRows
from indexing.release.users import Users

_SEED = 20_261_124


def seed_queries(columns: PointRows, dims: dict[str, int], number: int) -> dict[str, Vectors]:
    """At most `number` rows' vectors (Q, dims) of each named vector, drawn without order, the same each time."""
    rows = np.random.default_rng(_SEED).permutation(len(columns))[:number]
    return {using: columns.vectors(using)[rows] for using in dims}


def with_listeners(
    queries: dict[str, Vectors], tower: QueryTower, columns: Columns, users: Users, at_s: int
) -> dict[str, Vectors]:
    """The same, every second vector of `tower` replaced by that of a listener whom the release knows."""
    mixed = queries["tower"].copy()
    numbers = np.random.default_rng(_SEED).permutation(len(users))[: len(mixed) // 2].tolist()
    for place, number in enumerate(numbers):
        history = users.history(number)
        if len(history.rows):
            heard = columns.vectors("tower")[history.rows]
            # A copy, as torch warns of an array that cannot be written to.
            mixed[2 * place + 1] = tower.encode(heard, history.weights.copy(), at_s)
    return queries | {"tower": mixed}
