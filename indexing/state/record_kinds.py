"""What a record replaces, and how new a Nearfield must be to read it: what a log says of its records."""

from msgspec import Struct

from indexing.state.records import Change, Encoded, Lifted, Moved, Put, Removed, RulesAccepted, TakenDown, WentLive

ALL_READ = 1
"""The newest kind of record that every Nearfield with leases can read."""
READS = 2
"""The newest kind of record that this Nearfield can read; raised with each kind that an older one cannot."""


class RecordKind(Struct, frozen=True):
    """`name` in the database; `reads`: what a worker must be able to read; whether it `replaces` what its key had."""

    name: str
    reads: int = 1
    replaces: bool = True


_KINDS: dict[type[Change], RecordKind] = {
    Put: RecordKind("put"),
    Removed: RecordKind("removed"),
    # Several may belong to one row, one for each model.
    Encoded: RecordKind("encoded", replaces=False),
    TakenDown: RecordKind("takedown"),
    Lifted: RecordKind("lift"),
    RulesAccepted: RecordKind("rules"),
    WentLive: RecordKind("live"),
    Moved: RecordKind("moved"),
}
# Fields of an Item that a Nearfield which reads kind 1 refuses; rows without them are as they were.
_READ_SINCE_2 = ("chapters", "published_fraction_us")
_FINER_PUT = RecordKind("put", reads=2)
ROW_KINDS = ("put", "removed", "encoded")
"""Kinds of records that a release built later does not need."""


def kind_of(change: Change) -> RecordKind:
    """The kind of a record."""
    if isinstance(change, Put) and any(getattr(change.item, name) for name in _READ_SINCE_2):
        return _FINER_PUT
    return _KINDS[type(change)]


def item_keys(item_id: str) -> tuple[str, str]:
    """The keys of all records that are about an item."""
    return f"row:{item_id}", f"takedown:{item_id}"


def key_of(change: Change) -> str:
    """What a record is about: of all that replace what their key had, the last one alone counts."""
    match change:
        case Put(item):
            return f"row:{item.id}"
        case Removed(item_id) | Encoded(item_id):
            return f"row:{item_id}"
        case TakenDown(item_id) | Lifted(item_id):
            return f"takedown:{item_id}"
        case RulesAccepted():
            return "rules"
        case WentLive():
            return "live"
        case Moved():
            return "moved"
