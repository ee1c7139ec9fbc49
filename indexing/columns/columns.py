"""A release's own copy of its points, one row each, read by mmap: seeds, re-check and exact search read this.

ids.*.npy            id <-> row
payload.bin          msgpack of each Payload, end to end
payload_ends.npy     (N + 1,) byte offsets into it
hashes.npy           (N, 32): 16 bytes over the fields that are inputs of encoder and tower, 16 over the row
<space>.npy          (N, dims) float32 unit vectors of each named vector
<space>.narrow.npy   what of wide ones is scanned first, with its axes (indexing/columns/principal_components.py)
titles.npy           (N,) the key of each title
words_*.npy          the sparse vectors of BM25 (indexing/words/columns.py)
vocabulary_*.npy     the words of names (indexing/words/vocabulary.py)
"""

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.protocols import Vectors
from embedding.rows.id_table import IdTable, IdTableBuilder
from embedding.rows.names import name_key
from embedding.rows.schema import Item, Kind
from indexing.columns.principal_components import PrincipalComponents, write_principal_components
from indexing.payload.npy_file import NpyFile
from indexing.payload.payload import Payload
from indexing.words.columns import Words, WordsWriter
from indexing.words.sparse import SparseRows
from indexing.words.vocabulary import Vocabulary, VocabularyWriter

T = TypeVar("T")

HASH_BYTES = 16
_TITLE_KEY_BYTES = 8
_encoder = msgspec.msgpack.Encoder()
_sorted_encoder = msgspec.msgpack.Encoder(order="deterministic")


def row_hashes(item: Item, input_fields: Sequence[str]) -> bytes:
    """32 bytes: a hash of the fields named, then one of the whole row, both as the row was given."""
    inputs = _sorted_encoder.encode([getattr(item, name) for name in input_fields])
    whole = _sorted_encoder.encode(item)
    return _digest(inputs) + _digest(whole)


def title_key(title: str) -> int:
    """64 bits that are the same for titles that are the same in their comparable form."""
    data = name_key(title).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=_TITLE_KEY_BYTES).digest(), "little")


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


class ColumnsWriter:
    """Writes the columns batch by batch, in bounded memory."""

    def __init__(self, folder: Path, dims: dict[str, int]) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._ids = IdTableBuilder()
        self._payload: BinaryIO = (folder / "payload.bin").open("wb")
        self._ends = array("q", [0])
        self._hashes = bytearray()
        self._titles = array("Q")
        self._spaces = {space: NpyFile(folder / f"{space}.npy", "<f4", size) for space, size in dims.items()}
        self._words = WordsWriter(folder)
        self._vocabulary = VocabularyWriter(folder)

    def __enter__(self) -> Self:
        return self

    def append(
        self,
        payloads: Sequence[Payload],
        hashes: Sequence[bytes],
        vectors: dict[str, Vectors],
        words: SparseRows,
    ) -> None:
        """Add one batch: n payloads, n results of `row_hashes`, (n, dims) for each named vector, n rows' words."""
        for payload, pair in zip(payloads, hashes, strict=True):
            self._ids.add(payload.id)
            data = _encoder.encode(payload)
            self._payload.write(data)
            self._ends.append(self._ends[-1] + len(data))
            self._hashes += pair
            self._titles.append(title_key(payload.title))
            self._vocabulary.append(payload)
        for space, file in self._spaces.items():
            if len(vectors[space]) != len(payloads):
                raise ValueError(f"{len(payloads)} payloads came with {len(vectors[space])} vectors of {space}")
            file.append(vectors[space])
        if len(words) != len(payloads):
            raise ValueError(f"{len(payloads)} payloads came with the words of {len(words)} rows")
        self._words.append(words)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._payload.close()
        for file in self._spaces.values():
            file.close()
        self._words.close(whole=kind is None)
        if kind is None:
            for space in self._spaces:
                write_principal_components(self._folder, space)
            self._vocabulary.close()
            self._ids.finish().save(self._folder, "ids")
            np.save(self._folder / "payload_ends.npy", np.array(self._ends, dtype=np.int64))
            hashes = np.frombuffer(bytes(self._hashes), dtype=np.uint8).reshape(-1, 2 * HASH_BYTES)
            np.save(self._folder / "hashes.npy", hashes)
            np.save(self._folder / "titles.npy", np.array(self._titles, dtype=np.uint64))


class RowNames(Struct, frozen=True, array_like=True):
    """What a row is called: the first fields of its payload."""

    id: str
    kind: Kind
    title: str
    creator: str
    creators: tuple[str, ...]


class PointRows(Protocol):
    """What stands behind the points of one collection, by row: a release's columns, or its passages."""

    def __len__(self) -> int: ...

    def payload(self, row: int, /) -> Payload:
        """The payload of a row; IndexError beyond the last."""

    def vectors(self, space: str) -> Vectors:
        """All vectors (N, dims) of a named vector, as a read-only map."""

    def principal_components(self, space: str) -> PrincipalComponents | None:
        """What of a named vector can be scanned first; None where it is not wide or there are few."""


class Columns:
    """The columns of one release, mapped into memory; safe to share between processes."""

    def __init__(self, folder: Path) -> None:
        self.ids = IdTable.load(folder, "ids")
        self._folder = folder
        self._payload = np.memmap(folder / "payload.bin", dtype=np.uint8, mode="r").data
        self._ends = np.asarray(np.load(folder / "payload_ends.npy", mmap_mode="r")).data
        self._decoder = msgspec.msgpack.Decoder(Payload)
        self._names_decoder = msgspec.msgpack.Decoder(RowNames)
        self._vectors: dict[str, Vectors] = {}
        self._components: dict[str, PrincipalComponents | None] = {}
        self.words = Words(folder)
        self.vocabulary = Vocabulary.of(folder)
        """The words of names; None where an older build wrote none."""
        self._titles = np.asarray(np.load(folder / "titles.npy", mmap_mode="r"))

    def __len__(self) -> int:
        return len(self.ids)

    def payload(self, row: int) -> Payload:
        """The payload of a row; IndexError beyond the columns."""
        return self.decoded(row, self._decoder)

    def decoded(self, row: int, decoder: msgspec.msgpack.Decoder[T]) -> T:
        """What `decoder` reads of the payload of a row; IndexError beyond the columns."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        return decoder.decode(self._payload[self._ends[row] : self._ends[row + 1]])

    def names(self, row: int) -> RowNames:
        """What a row is called, in a fifth of the time that its payload takes."""
        return self.decoded(row, self._names_decoder)

    def vectors(self, space: str) -> Vectors:
        """All vectors (N, dims) of a named vector, as a read-only map."""
        if space not in self._vectors:
            self._vectors[space] = np.asarray(np.load(self._folder / f"{space}.npy", mmap_mode="r"))
        return self._vectors[space]

    def principal_components(self, space: str) -> PrincipalComponents | None:
        """What of a named vector can be scanned first; None where it is not wide or there are few."""
        if space not in self._components:
            self._components[space] = PrincipalComponents.of(self._folder, space)
        return self._components[space]

    def stored_title_key(self, row: int) -> int:
        """The key of a row's title that the build wrote."""
        return int(self._titles[row])

    def titled(self, title: str) -> NDArray[np.int64]:
        """The rows, ascending, of this title, however it is written."""
        return np.flatnonzero(self._titles == np.uint64(title_key(title)))

    def hashes(self) -> NDArray[np.uint8]:
        """(N, 32) bytes as `row_hashes` made them."""
        return np.asarray(np.load(self._folder / "hashes.npy", mmap_mode="r"))
