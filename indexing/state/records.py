"""What the log can say: one frame for each acknowledged call, whole or not at all."""

from msgspec import Struct

from embedding.rows.schema import Item
from indexing.release.passages import RowPassages


class Put(Struct, frozen=True, tag="put", array_like=True):
    """A row as it is from now on, with its vectors (float32 bytes) by the hash of what made them."""

    item: Item
    # By hash of the text encoder.
    text: dict[str, bytes]
    # By hash of the model.
    tower: dict[str, bytes]
    # By hash of what made them, as indexing/words/bm25.py writes them; worked out anew for another hash.
    words: dict[str, bytes] = {}
    # By hash of the text encoder; left out where the text is not long enough to have any.
    passages: dict[str, RowPassages] = {}


class Removed(Struct, frozen=True, tag="removed", array_like=True):
    """The row of this id is no longer in the catalogue."""

    id: str


class TakenDown(Struct, frozen=True, tag="takedown", array_like=True):
    """Hidden on every release, past and future, until lifted; by whom and why, where that was said."""

    id: str
    by: str = ""
    why: str = ""
    # The one that was live then; empty where none was, and in records of earlier versions.
    release: str = ""


class Lifted(Struct, frozen=True, tag="lift", array_like=True):
    """No longer taken down; by whom and why, where that was said."""

    id: str
    by: str = ""
    why: str = ""


class Encoded(Struct, frozen=True, tag="encoded", array_like=True):
    """More vectors for the row that an earlier frame put: for a release of another model."""

    id: str
    text: dict[str, bytes]
    tower: dict[str, bytes]
    passages: dict[str, RowPassages] = {}


class RulesAccepted(Struct, frozen=True, tag="rules", array_like=True):
    """Another rules file is in force, on every release; where the state is files, they are beside the log instead."""

    version: str
    text: str
    by: str = ""


class WentLive(Struct, frozen=True, tag="live", array_like=True):
    """Another release is live; where the state is files, that is beside the log instead."""

    release: str


class Moved(Struct, frozen=True, tag="moved", array_like=True):
    """The end of this log: what comes after is kept elsewhere. A Nearfield that does not know this stops here too."""

    where: str


Change = Put | Removed | TakenDown | Lifted | Encoded | RulesAccepted | WentLive | Moved


class Frame(Struct, frozen=True, array_like=True):
    """Changes acknowledged together under number `seq` (from 1), appended `at` (RFC 3339)."""

    seq: int
    at: str
    changes: tuple[Change, ...]
    # Number of the frame before it in this log, where that is not one less: later frames have replaced those between.
    after: int | None = None
