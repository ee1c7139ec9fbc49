"""What a log says to a Nearfield of before: rows that it knows read as they were, others stop it, none is misread."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct

from embedding.rows.schema import Chapter, Item
from indexing.state.record_kinds import kind_of
from indexing.state.records import Put

NEW = ("chapters", "published_fraction_us")
# The fields that rows had, refused with any other, as then.
OldItem: type[Struct] = msgspec.defstruct(
    "OldItem",
    [
        (field.name, Any, field.default) if field.default is not msgspec.NODEFAULT else (field.name, Any)
        for field in msgspec.structs.fields(Item)
        if field.name not in (*NEW, "extra")
    ]
    + [("extra", dict, {})],
    forbid_unknown_fields=True,
    kw_only=True,
)
PLAIN = Item(id="a", kind="track", title="t", creator="c", published_at=1_717_178_400)


def test_a_row_of_whole_seconds_is_written_as_ever() -> None:
    data = msgspec.msgpack.encode(PLAIN)
    assert msgspec.msgpack.decode(data) == {
        "id": "a",
        "kind": "track",
        "title": "t",
        "creator": "c",
        "published_at": 1_717_178_400,
    }
    assert msgspec.msgpack.decode(data, type=OldItem).published_at == PLAIN.published_at  # type: ignore[attr-defined]
    assert kind_of(Put(PLAIN, {}, {})).reads == 1


@pytest.mark.parametrize("finer", [{"published_fraction_us": 250_000}, {"chapters": (Chapter(0.0, "Start"),)}])
def test_a_row_that_says_more_is_refused_by_what_does_not_know_it(finer: dict[str, Any]) -> None:
    item = msgspec.structs.replace(PLAIN, **finer)
    data = msgspec.msgpack.encode(item)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.msgpack.decode(data, type=OldItem)
    assert msgspec.msgpack.decode(data, type=Item) == item
    assert kind_of(Put(item, {}, {})).reads == 2
