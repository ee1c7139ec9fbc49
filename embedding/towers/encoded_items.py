"""Items in the numbers that the candidate tower reads: rows of its tables, and text vectors."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.protocols import Vectors

Rows = NDArray[np.int64]


class Bag(Struct, frozen=True):
    """Lists of table rows, one for each of N items: item n has `flat[offsets[n] : offsets[n + 1]]`."""

    flat: Rows
    offsets: Rows


class EncodedItems(Struct, frozen=True):
    """N items as the candidate tower reads them.

    `ids` (N,): row in the id table + 1; `bags`: by feature; `rows`: by feature, (N,) rows of its table; `text`:
    (N, E) unit vectors, or (N, 0) where the tower does not read text.
    """

    ids: Rows
    bags: dict[str, Bag]
    rows: dict[str, Rows]
    text: Vectors

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def join(cls, parts: Sequence["EncodedItems"]) -> "EncodedItems":
        """The items of one or more parts, one after the other."""
        first = parts[0]
        return cls(
            np.concatenate([part.ids for part in parts]),
            {name: _join_bags([part.bags[name] for part in parts]) for name in first.bags},
            {name: np.concatenate([part.rows[name] for part in parts]) for name in first.rows},
            np.concatenate([part.text for part in parts]),
        )


def _join_bags(bags: Sequence[Bag]) -> Bag:
    lengths = np.concatenate([np.diff(bag.offsets) for bag in bags])
    return Bag(np.concatenate([bag.flat for bag in bags]), np.concatenate(([0], np.cumsum(lengths))))
