"""Attributes of items by which an evaluation is sliced: kind, language and time of publication."""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.schema import Item
from embedding.training.dataset import Dataset

NO_LANGUAGE = "unknown"


class ItemAttributes(Struct, frozen=True):
    """Of each catalogue row: place in KINDS; place in `languages` of its first subtag; epoch seconds, NaN unknown."""

    kinds: NDArray[np.uint8]
    languages: tuple[str, ...]
    language_of: NDArray[np.int64]
    published_s: NDArray[np.float64]

    @classmethod
    def of(cls, data: Dataset, wanted: NDArray[np.bool_]) -> "ItemAttributes":
        """The attributes of the rows that are `wanted` (N,); of the others only the kind."""
        return cls.read(data.kinds, np.flatnonzero(wanted), (item for batch in data.items(wanted) for item in batch))

    @classmethod
    def read(cls, kinds: NDArray[np.uint8], rows: NDArray[np.int64], items: Iterable[Item]) -> "ItemAttributes":
        """The attributes of `items`, which stand in the catalogue rows `rows`."""
        number_of = {NO_LANGUAGE: 0}
        language_of, published_s = np.zeros(len(kinds), np.int64), np.full(len(kinds), np.nan)
        for row, item in zip(rows.tolist(), items, strict=True):
            language = NO_LANGUAGE if item.language is None else item.language.split("-")[0].lower()
            language_of[row] = number_of.setdefault(language, len(number_of))
            if item.published_at is not None:
                published_s[row] = item.published_at
        return cls(kinds, tuple(number_of), language_of, published_s)
