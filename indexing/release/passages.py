"""The passages of a release's long texts: where each lies, its vector, and what the rules know of its item.

passages/rows.npy           (P,) int32, ascending: the row of each passage's item
passages/offsets.npy        (P, 2) int32: its first character in the item's `text`, and the one after its last
passages/passages.npy       (P, dims) float32 unit vectors, with their principal components, which are scanned first

They are points of a collection of their own, in the space of the same name, with the payload of their item: so a filter
that was compiled for items holds for passages too. A release without long texts has neither folder nor collection.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.columns.columns import Columns
from indexing.columns.field_columns import FieldColumns
from indexing.columns.postings import RowsOf
from indexing.columns.principal_components import PrincipalComponents, write_principal_components
from indexing.columns.rule_combinations import COMBINED_FIELDS, RuleCombinations
from indexing.filters.algebra import Filter, fields_of
from indexing.payload.npy_file import NpyFile
from indexing.payload.payload import Payload
from indexing.stores.contract import VectorStore

# Name of the folder and of the space, and what is joined to a release's id for the collection.
PASSAGES = "passages"


class RowPassages(Struct, frozen=True, array_like=True):
    """The passages of one row: the `offsets` of each, and the bytes of their float32 vectors, end to end."""

    offsets: tuple[tuple[int, int], ...]
    data: bytes

    def vectors(self) -> Vectors:
        """(number of passages, dims), none of no dims."""
        if not self.offsets:
            return np.zeros((0, 0), np.float32)
        return np.frombuffer(self.data, "<f4").reshape(len(self.offsets), -1)

    @classmethod
    def of(cls, offsets: Iterable[tuple[int, int]], vectors: Vectors) -> Self:
        """From offsets and vectors (number of passages, dims)."""
        return cls(tuple((start, end) for start, end in offsets), np.ascontiguousarray(vectors, "<f4").tobytes())


NO_PASSAGES = RowPassages((), b"")


def passages_collection(release_id: str) -> str:
    """Name of the collection of a release's passages."""
    return f"{release_id}.{PASSAGES}"


def collections_in(release_folder: Path) -> tuple[str, ...]:
    """Names of the collections of a release, finished or not, whose columns and passages are whole."""
    name = release_folder.name
    return (name, passages_collection(name)) if (release_folder / PASSAGES).is_dir() else (name,)


async def drop_collections(store: VectorStore, release_id: str) -> None:
    """Remove all that a release has in the engine."""
    await store.drop(release_id)
    await store.drop(passages_collection(release_id))


class PassagesWriter:
    """Writes passages in the order of their rows, in bounded memory; no folder where there are none."""

    def __init__(self, release_folder: Path, dims: int) -> None:
        self._folder, self._dims = release_folder / PASSAGES, dims
        self._files: tuple[NpyFile, NpyFile, NpyFile] | None = None
        self._num = 0

    def __len__(self) -> int:
        return self._num

    def append(self, rows: Sequence[int], offsets: Sequence[tuple[int, int]], vectors: Vectors) -> None:
        """Add passages, n of each: the row of the item, the offsets, the vectors (n, dims)."""
        if not rows:
            return
        if self._files is None:
            self._folder.mkdir(parents=True)
            self._files = (
                NpyFile(self._folder / "rows.npy", "<i4"),
                NpyFile(self._folder / "offsets.npy", "<i4", 2),
                NpyFile(self._folder / f"{PASSAGES}.npy", "<f4", self._dims),
            )
        for file, part in zip(self._files, (np.array(rows), np.array(offsets), vectors), strict=True):
            if len(part) != len(rows):
                raise ValueError(f"{len(rows)} rows of passages came with {len(part)} offsets or vectors")
            file.append(part)
        self._num += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files or ():
            file.close()
        if kind is None and self._files is not None:
            write_principal_components(self._folder, PASSAGES)


class Passages:
    """The passages of one release, mapped into memory, and the release's columns read by passage instead of by row."""

    def __init__(self, release_folder: Path, columns: Columns) -> None:
        def part(name: str) -> NDArray[np.int32]:
            return np.asarray(np.load(release_folder / PASSAGES / f"{name}.npy", mmap_mode="r"))

        self.rows, self._offsets = part("rows"), part("offsets")
        self._vectors: Vectors = np.asarray(
            np.load(release_folder / PASSAGES / f"{PASSAGES}.npy", mmap_mode="r"), np.float32
        )
        self._components = PrincipalComponents.of(release_folder / PASSAGES, PASSAGES)
        self._columns = columns
        # Those of one item come one after the other.
        self._last: tuple[int, Payload] | None = None

    @classmethod
    def of(cls, release_folder: Path, columns: Columns) -> Self | None:
        """Those of a release, None where it has none."""
        return cls(release_folder, columns) if (release_folder / PASSAGES).is_dir() else None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    def payload(self, passage: int) -> Payload:
        """The payload of a passage's item; IndexError beyond the passages."""
        row = int(self.rows[passage])
        if self._last is None or self._last[0] != row:
            self._last = row, self._columns.payload(row)
        return self._last[1]

    def vectors(self, space: str) -> Vectors:
        """All vectors (P, dims), as a read-only map; `space` must be `PASSAGES`."""
        if space != PASSAGES:
            raise ValueError(f"passages have vectors of the space {PASSAGES!r} alone, {space!r} came")
        return self._vectors

    def principal_components(self, space: str) -> PrincipalComponents | None:
        """What of them can be scanned first; None where they are not wide or few. `space` must be `PASSAGES`."""
        return self._components if space == PASSAGES else None

    def of_row(self, row: int) -> RowPassages:
        """The passages of one row of the columns."""
        start, end = np.searchsorted(self.rows, (row, row + 1))
        offsets = [(int(first), int(last)) for first, last in self._offsets[start:end]]
        return RowPassages.of(offsets, self._vectors[start:end])

    def fields(self, fields: FieldColumns) -> "PassageFields":
        """The fields by passage."""
        return PassageFields(fields, self.rows)


class PassageFields:
    """Which passages pass a filter (PointFields): those of the rows that do."""

    def __init__(self, fields: FieldColumns, rows: NDArray[np.int32]) -> None:
        self._fields, self._rows = fields, rows
        self.combinations: RuleCombinations = fields.combinations.taken(rows)
        self.creators = PassageCreators(fields.creators, rows)

    def mask(self, where: Filter) -> NDArray[np.bool_]:
        """(P,) which passages pass."""
        if fields_of(where) <= COMBINED_FIELDS:
            return self.combinations.spread(self.combinations.mask(where))
        return self._fields.mask(where)[self._rows]

    def share(self, where: Filter) -> float:
        """Part of all passages (0 to 1) that passes."""
        if fields_of(where) <= COMBINED_FIELDS:
            return self.combinations.share(where)
        return float(np.count_nonzero(self.mask(where))) / len(self._rows)


class PassageCreators:
    """Which passages each creator has: those of their rows."""

    def __init__(self, creators: RowsOf, rows: NDArray[np.int32]) -> None:
        self._creators, self._rows = creators, rows

    def rows(self, keys: Iterable[str]) -> NDArray[np.int64]:
        """The passages, ascending, of rows that have any of the creators."""
        rows = self._creators.rows(keys)
        starts, ends = np.searchsorted(self._rows, rows), np.searchsorted(self._rows, rows, side="right")
        parts = [np.arange(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
