"""How large a part of a release passes a rule: counted over the few distinct combinations of what rules read."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.rows import Kind
from indexing.payload import Payload


class Fact(Struct, frozen=True, array_like=True):
    """One combination of the fields that hard rules read."""

    kind: Kind
    explicit: int
    min_age: int
    availability_class: int
    languages: tuple[str, ...]


class Facts:
    """Combinations with the number of points that have each."""

    def __init__(self, counts: Counter[Fact] | None = None) -> None:
        self._counts = counts if counts is not None else Counter()
        self._examples: list[tuple[Payload, int]] = []

    def add(self, payloads: Iterable[Payload]) -> None:
        """Count the combinations of a batch."""
        self._counts.update(Fact(p.kind, p.explicit, p.min_age, p.availability_class, p.languages) for p in payloads)

    def share(self, accepts: Callable[[Payload], bool]) -> float:
        """Part of all points (0 to 1) that passes; conditions on ids and creators are not seen here."""
        if not self._examples:
            self._examples = [(_example(fact), count) for fact, count in self._counts.items()]
        total = sum(count for _, count in self._examples)
        passing = sum(count for payload, count in self._examples if accepts(payload))
        return passing / total if total else 0.0

    def save(self, path: Path) -> None:
        """Write the counts in a fixed order, so that the same input gives the same bytes."""
        rows = sorted(self._counts.items(), key=lambda pair: msgspec.msgpack.encode(pair[0]))
        path.write_bytes(msgspec.msgpack.encode(rows))

    @classmethod
    def load(cls, path: Path) -> "Facts":
        """Counts written by `save`."""
        rows = msgspec.msgpack.decode(path.read_bytes(), type=list[tuple[Fact, int]])
        return cls(Counter(dict(rows)))


def _example(fact: Fact) -> Payload:
    return Payload(
        id="",
        kind=fact.kind,
        title="",
        creator="",
        creators=(),
        album=None,
        tags=(),
        language=None,
        duration_s=None,
        published_at=None,
        explicit=fact.explicit,
        min_age=fact.min_age,
        popularity=0.0,
        availability_class=fact.availability_class,
        languages=fact.languages,
        creator_keys=(),
        extra={},
    )
