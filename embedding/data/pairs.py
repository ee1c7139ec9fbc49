"""Interactions as flat arrays: each (user, item) pair once, without an object a row."""

import hashlib
from array import array
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.weight_sums import summed_weights
from embedding.progress import Advance
from embedding.rows.schema import Interaction

_FOLDS = 5
_HASH_BYTES = 32
# Pairs hashed between two reports of progress.
_PART_PAIRS = 100_000


class Pairs(Struct, frozen=True):
    """P distinct (user, item) pairs.

    `users`, `items` (P,): row numbers; `weights` (P,): sum over the pair's rows, never zero, negative where skips
    prevail; `at_s` (P,): epoch seconds of the earliest row, NaN where no row has a time; `hashes` (P,): the first 64
    bits of SHA-256 over "user<TAB>item"; `folds` and `next_folds` (P,): the last two digits of that hash as a whole
    number in base five.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    weights: NDArray[np.float32]
    at_s: NDArray[np.float64]
    hashes: NDArray[np.uint64]
    folds: NDArray[np.uint8]
    next_folds: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Which pairs were liked rather than skipped."""
        return self.weights > 0

    def where(self, mask: NDArray[np.bool_]) -> "Pairs":
        """The pairs that `mask` (P,) keeps."""
        return Pairs(*(getattr(self, name)[mask] for name in self.__struct_fields__))

    def joined(self, other: "Pairs") -> "Pairs":
        """These and then `other`, which has none of them."""
        return Pairs(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in self.__struct_fields__))

    def fingerprint(self) -> str:
        """SHA-256 (hex) over pairs, weights and times, whatever the order in which they were read."""
        order = np.lexsort((self.weights, self.hashes))
        digest = hashlib.sha256()
        for values in (self.hashes, self.weights, self.at_s):
            digest.update(np.ascontiguousarray(values[order]).tobytes())
        return digest.hexdigest()


class PairsBuilder:
    """Collects interactions batch by batch; users that are not in `user_rows` get the next numbers."""

    def __init__(self, item_rows: dict[str, int], user_rows: dict[str, int] | None = None) -> None:
        self._item_rows = item_rows
        self.user_rows = dict(user_rows or {})
        self._users, self._items = array("q"), array("q")
        self._weights, self._at_s = array("d"), array("d")

    def add(self, batch: Sequence[Interaction]) -> None:
        """Take a batch of rows about known items; KeyError for an item that is not known."""
        for row in batch:
            self._users.append(self.user_rows.setdefault(row.user_id, len(self.user_rows)))
            self._items.append(self._item_rows[row.item_id])
            self._weights.append(row.weight)
            self._at_s.append(np.nan if row.at is None else row.at)

    def __len__(self) -> int:
        return len(self._users)

    @property
    def num_timeless(self) -> int:
        """Rows of which it is not known when they were."""
        return int(np.isnan(np.array(self._at_s)).sum())

    def finish(self, before_s: float | None = None, advance: Advance = lambda _: None) -> Pairs:
        """The distinct pairs, in the order in which each was first read; those whose weights cancel out are dropped.

        `before_s`: of the rows that are older alone, each of which must have a time; `advance` is called with the
        number of pairs that have been hashed.
        """
        row_at_s = np.array(self._at_s)
        wanted = slice(None) if before_s is None else row_at_s < before_s
        row_users, row_items = np.array(self._users, np.int64)[wanted], np.array(self._items, np.int64)[wanted]
        keys = row_users * max(len(self._item_rows), 1) + row_items
        _, first, pair_of_row = np.unique(keys, return_index=True, return_inverse=True)
        weights = summed_weights(pair_of_row, np.array(self._weights)[wanted], len(first))
        at_s = np.full(len(first), np.nan)
        np.fmin.at(at_s, pair_of_row, row_at_s[wanted])
        kept = np.argsort(first, kind="stable")
        kept = kept[weights[kept] != 0]
        users, items = row_users[first[kept]], row_items[first[kept]]
        digests = self._digests(users, items, advance)
        return Pairs(
            users,
            items,
            weights[kept],
            at_s[kept],
            digests[:, :8].copy().view(">u8")[:, 0].astype(np.uint64),
            *_base_five_digits(digests),
        )

    def _digests(self, users: NDArray[np.int64], items: NDArray[np.int64], advance: Advance) -> NDArray[np.uint8]:
        user_ids, item_ids = list(self.user_rows), list(self._item_rows)
        digests = bytearray()
        for start in range(0, len(users), _PART_PAIRS):
            part = slice(start, start + _PART_PAIRS)
            for user, item in zip(users[part].tolist(), items[part].tolist(), strict=True):
                digests += hashlib.sha256(f"{user_ids[user]}\t{item_ids[item]}".encode()).digest()
            advance(len(users[part]))
        return np.frombuffer(bytes(digests), np.uint8).reshape(-1, _HASH_BYTES)


def _base_five_digits(digests: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The last and the last but one digit in base five of numbers (P, 32), given as big-endian bytes."""
    remainders = np.zeros(len(digests), np.int64)
    # Horner's rule modulo 25, a byte of all numbers at a time: 256 = 6 (mod 25).
    for place in range(_HASH_BYTES):
        remainders = (remainders * 256 + digests[:, place]) % _FOLDS**2
    return (remainders % _FOLDS).astype(np.uint8), (remainders // _FOLDS).astype(np.uint8)
