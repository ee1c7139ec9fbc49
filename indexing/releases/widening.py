"""Which rows would be open to more listeners on an older release than they are on the live one."""

from msgspec import Struct

from indexing.journal.current_rows import CurrentRows
from indexing.payload.availability import covers
from indexing.payload.payload import EXPLICIT_NO, EXPLICIT_UNKNOWN, EXPLICIT_YES, Payload

# The more, the fewer rules keep the item out.
_OPENNESS = {EXPLICIT_YES: 0, EXPLICIT_UNKNOWN: 1, EXPLICIT_NO: 2}


class Wider(Struct, frozen=True):
    """A row, and the fields (`availability`, `explicit`, `min_age`) that would let more listeners have it."""

    id: str
    fields: tuple[str, ...]


def widened(target: CurrentRows, live: CurrentRows) -> list[Wider]:
    """Rows of both whose availability, explicit flag or minimum age is wider in `target`; by id."""
    found = []
    ids = {target.release.columns.ids.id_at(row) for row in range(target.num_own)}
    ids.update(payload.id for payload in target.new.payloads)
    for item_id in sorted(ids):
        there, here = target.row_of(item_id), live.row_of(item_id)
        if there < 0 or here < 0:
            continue
        fields = _fields(target, target.payload(there), live, live.payload(here))
        if fields:
            found.append(Wider(item_id, fields))
    return found


def _fields(target: CurrentRows, there: Payload, live: CurrentRows, here: Payload) -> tuple[str, ...]:
    fields = []
    if there.availability_class != here.availability_class and not covers(
        live.release.classes.windows_of(here.availability_class),
        target.release.classes.windows_of(there.availability_class),
    ):
        fields.append("availability")
    if _OPENNESS[there.explicit] > _OPENNESS[here.explicit]:
        fields.append("explicit")
    if there.min_age < here.min_age:
        fields.append("min_age")
    return tuple(fields)
