"""The vocabulary: how an item's features become rows of embedding tables, the same in training and serving."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.train_config import Feature
from embedding.protocols import Vectors
from embedding.rows.id_table import IdTable, IdTableBuilder
from embedding.rows.schema import Item
from embedding.towers.encoded_items import Bag, EncodedItems, Rows
from embedding.towers.features import BAGS, CATEGORIES, FIELDS, NUMBERS, UNKNOWN, VALUES

NUM_BUCKETS = 16
VOCABULARY_FILE = "vocabulary.json"
ID_TABLE_NAME = "items"


class Vocabulary:
    """What the model knows by name: ids, creators, tags, languages, kinds, and the bounds of number buckets."""

    def __init__(
        self,
        features: tuple[Feature, ...],
        ids: IdTable,
        values: dict[str, tuple[str, ...]],
        bounds: dict[str, tuple[float, ...]],
    ) -> None:
        self.features = features
        self.ids = ids
        self.values = values
        self.bounds = bounds
        self._row_of = {name: {value: row for row, value in enumerate(known, 1)} for name, known in values.items()}

    @classmethod
    def learn(
        cls,
        items: Iterable[Item],
        features: tuple[Feature, ...],
        min_items: dict[str, int],
        num_pairs: NDArray[np.int64] | None = None,
    ) -> Self:
        """The vocabulary of the items that training sees, without a bag's values on fewer than `min_items`.

        `num_pairs` (N,): how often each of `items` is trained on. The most frequent rows stand first, so that a step
        finds its rows close together in memory, however large the tables are (`benchmarks.training_step`).
        """
        ids = IdTableBuilder()
        counts: dict[str, Counter[str]] = {name: Counter() for name in (*BAGS, *CATEGORIES) if name in features}
        num_trained: dict[str, Counter[str]] = {name: Counter() for name in counts}
        numbers: dict[str, list[float]] = {name: [] for name in NUMBERS if name in features}
        for place, item in enumerate(items):
            ids.add(item.id)
            for name, counter in counts.items():
                values = VALUES[name](item)
                counter.update(values)
                if num_pairs is not None:
                    for value in values:
                        num_trained[name][value] += int(num_pairs[place])
            for name, seen in numbers.items():
                value = getattr(item, name)
                if value is not None:
                    seen.append(float(value))
        known = {
            name: _most_frequent_first(
                [value for value, count in counter.items() if count >= min_items.get(name, 1)], num_trained[name]
            )
            for name, counter in counts.items()
        }
        order = None if num_pairs is None else np.argsort(-num_pairs, kind="stable")
        return cls(
            features,
            ids.finish(order),
            known,
            {name: _quantiles(seen) for name, seen in numbers.items()},
        )

    def extended(self, newer: "Vocabulary") -> "Vocabulary":
        """This vocabulary with its rows in their places, then the values that only `newer` has; its buckets stay."""
        own = (self.ids.id_at(row) for row in range(len(self.ids)))
        besides = (newer.ids.id_at(row) for row in range(len(newer.ids)))
        ids = IdTable.build(chain(own, (text for text in besides if text not in self.ids)))
        values = {
            name: (*known, *(value for value in newer.values[name] if value not in self._row_of[name]))
            for name, known in self.values.items()
        }
        return Vocabulary(self.features, ids, values, self.bounds)

    @property
    def input_fields(self) -> tuple[str, ...]:
        """Item fields, besides those of the text encoder, that change a candidate's vector."""
        return tuple(field for feature in self.features for field in FIELDS[feature])

    @property
    def num_ids(self) -> int:
        """Ids that have an embedding of their own."""
        return len(self.ids) if "id" in self.features else 0

    def table_sizes(self) -> dict[str, int]:
        """Rows of each feature's table, the one for unknown values included."""
        sizes = {name: len(known) + 1 for name, known in self.values.items()}
        return sizes | {name: len(bounds) + 2 for name, bounds in self.bounds.items()}

    def encode(self, items: Sequence[Item], text: Vectors) -> EncodedItems:
        """Numbers for `items`, whose text vectors are `text` (N, E), or (N, 0) for a tower without text."""
        ids = (
            self.ids.find_many([item.id for item in items]) + 1
            if "id" in self.features
            else np.zeros(len(items), np.int64)
        )
        bags: dict[str, Bag] = {name: self._bag(name, items) for name in BAGS if name in self.features}
        rows: dict[str, Rows] = {name: self._category(name, items) for name in CATEGORIES if name in self.features}
        rows |= {name: self._bucket(name, items) for name in NUMBERS if name in self.features}
        return EncodedItems(ids, bags, rows, text)

    def save(self, folder: Path) -> None:
        """Write the vocabulary's files into `folder`."""
        self.ids.save(folder, ID_TABLE_NAME)
        stored = _Stored(self.features, self.values, self.bounds)
        (folder / VOCABULARY_FILE).write_bytes(msgspec.json.encode(stored, order="deterministic"))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """A vocabulary that `save` wrote."""
        stored = msgspec.json.decode((folder / VOCABULARY_FILE).read_bytes(), type=_Stored)
        return cls(stored.features, IdTable.load(folder, ID_TABLE_NAME), stored.values, stored.bounds)

    def _bag(self, name: str, items: Sequence[Item]) -> Bag:
        row_of, values_of = self._row_of[name], VALUES[name]
        lists = [[row_of[value] for value in values_of(item) if value in row_of] for item in items]
        flat = np.fromiter((row for rows in lists for row in rows), np.int64)
        return Bag(flat, np.concatenate(([0], np.cumsum([len(rows) for rows in lists], dtype=np.int64))))

    def _category(self, name: str, items: Sequence[Item]) -> Rows:
        row_of, values_of = self._row_of[name], VALUES[name]
        rows = (row_of.get(next(iter(values_of(item)), ""), UNKNOWN) for item in items)
        return np.fromiter(rows, np.int64, len(items))

    def _bucket(self, name: str, items: Sequence[Item]) -> Rows:
        values = np.array(
            [np.nan if getattr(item, name) is None else getattr(item, name) for item in items], np.float64
        )
        buckets = np.searchsorted(np.asarray(self.bounds[name]), values, side="left") + 1
        return np.where(np.isnan(values), UNKNOWN, buckets).astype(np.int64)


class _Stored(Struct, frozen=True):
    features: tuple[Feature, ...]
    values: dict[str, tuple[str, ...]]
    bounds: dict[str, tuple[float, ...]]


def _most_frequent_first(values: Sequence[str], num_trained: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(values, key=lambda value: (-num_trained[value], value)))


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Bounds that cut `values` into up to NUM_BUCKETS buckets of similar size; none without values."""
    if not values:
        return ()
    shares = np.arange(1, NUM_BUCKETS) / NUM_BUCKETS
    return tuple(float(bound) for bound in np.unique(np.quantile(np.asarray(values), shares, method="lower")))
