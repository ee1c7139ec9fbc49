"""Validated rows on disk between two passes over them, so that a catalogue is read and checked only once."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from embedding.rows.schema import Item

_HEADER_BYTES = 8
_decoder = msgspec.msgpack.Decoder(list[Item])


class Spool:
    """Batches of items in a temporary file that goes away with the context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")

    def __enter__(self) -> Self:
        return self

    def append(self, items: list[Item]) -> None:
        """Keep a batch."""
        data = msgspec.msgpack.encode(items)
        self._file.write(len(data).to_bytes(_HEADER_BYTES, "little"))
        self._file.write(data)

    def batches(self) -> Iterator[list[Item]]:
        """All batches in the order in which they were kept."""
        self._file.seek(0)
        while header := self._file.read(_HEADER_BYTES):
            yield _decoder.decode(self._file.read(int.from_bytes(header, "little")))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink()
