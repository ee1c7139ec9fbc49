"""Whether a store gives back what was written: vectors to the last bit, payloads field by field."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from msgspec import Struct

from indexing.errors import VerificationError
from indexing.payload.payload import engine_payload
from indexing.stores.contract import PointBatch
from indexing.words.sparse import Sparse


@runtime_checkable
class _Entries(Protocol):
    """A sparse vector of either client."""

    @property
    def indices(self) -> Sequence[int]: ...
    @property
    def values(self) -> Sequence[float]: ...


class StoredPoint(Struct, frozen=True):
    """A point as the engine gave it back; a sparse vector without entries is left out."""

    dense: Mapping[str, Sequence[float]]
    sparse: Mapping[str, Sparse]
    payload: Mapping[str, Any]

    @classmethod
    def of(cls, vectors: object, payload: Mapping[str, Any] | None) -> Self:
        """From named vectors as an engine's client gives them."""
        named = vectors if isinstance(vectors, dict) else {}
        sparse = {name: vector for name, vector in named.items() if isinstance(vector, _Entries)}
        return cls(
            {name: vector for name, vector in named.items() if name not in sparse},
            {
                name: Sparse(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32))
                for name, vector in sparse.items()
            },
            payload or {},
        )


def check_count(collection: str, expected: int, came: int) -> None:
    """VerificationError unless the collection holds `expected` points."""
    if came != expected:
        raise VerificationError(
            f"collection {collection!r} should hold {expected:,} points, it holds {came:,}; build again"
        )


def check_points(collection: str, written: PointBatch, stored: Mapping[int, StoredPoint]) -> None:
    """VerificationError, with row and field, unless `stored` has every row of `written` as it was written."""
    for place, row in enumerate(written.rows):
        if row not in stored:
            raise VerificationError(
                f"row {row} of collection {collection!r} is not on every copy as it was written; build again"
            )
        field = _first_difference(written, place, stored[row])
        if field is not None:
            raise VerificationError(
                f"{field} of row {row} in collection {collection!r} is not what was written; build again"
            )


def _first_difference(written: PointBatch, place: int, stored: StoredPoint) -> str | None:
    for name, matrix in written.vectors.items():
        if not np.array_equal(np.asarray(stored.dense.get(name, ()), np.float32), matrix[place]):
            return f"the {name!r} vector"
    for name, rows in written.sparse.items():
        expected, came = rows.row(place), stored.sparse.get(name)
        if came is None and not len(expected):
            continue
        if came is None or not _same_words(expected, came):
            return f"the {name!r} vector"
    expected_payload = engine_payload(written.payloads[place], written.extra_fields)
    for field in sorted(expected_payload.keys() | stored.payload.keys()):
        if expected_payload.get(field) != stored.payload.get(field):
            return f"the field {field!r}"
    return None


def _same_words(one: Sparse, other: Sparse) -> bool:
    order = np.argsort(other.indices, kind="stable")
    return np.array_equal(one.indices, other.indices[order]) and np.array_equal(one.values, other.values[order])
