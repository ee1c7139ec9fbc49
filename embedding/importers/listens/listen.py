"""What one line of an export says, and what an exporter's format is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.schema import Kind

# (number of the first line or of the entry, its bytes, the row or what is wrong with it) of each row of a file.
Records = Iterator[tuple[int, int, Row | RowProblem]]


class Listen(Struct, frozen=True):
    """One listen: what was heard, as the service names it, and when.

    `at_s`: epoch seconds; `weight`: as in an interaction; `left_out`: why it is no sign of a taste, None where it is
    one; `isrc`, `mbid` (MusicBrainz recording): empty where not known.
    """

    kind: Kind
    title: str
    creator: str
    at_s: float | None
    album: str = ""
    isrc: str = ""
    mbid: str = ""
    weight: float = 1.0
    left_out: str | None = None


class ListenFormat(ABC):
    """The export of one service; a new one is a file beside this one and a line in `registry.py`."""

    # FORMAT of `nearfield import`.
    name: ClassVar[str]
    # What it is, in one line of help.
    about: ClassVar[str]
    # Its files in words, for the message that there is none.
    files: ClassVar[str]

    @abstractmethod
    def reads(self, path: str) -> bool:
        """Whether a file of the export, by its path inside it, holds listens."""

    @abstractmethod
    def records(self, path: Path) -> Records[Listen]:
        """The listens of one file. Raises FileDamage where it is empty or damaged."""


ListenParser = RowParser[Any, Listen]
