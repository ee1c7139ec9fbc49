"""The interaction row: its fields as written, and the Interaction that they make."""

from typing import Any

from msgspec import Struct

from embedding.rows.catalogue_fields import EXPECTED_ID
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.row_text import LongId, is_id
from embedding.rows.schema import Int64, Interaction, Weight
from embedding.rows.times import EXPECTED_TIME, FIRST_S, LAST_S, epoch_us

_AT = f"{EXPECTED_TIME}, or seconds (not milliseconds) since 1970 as a number"


class RawInteraction(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An interaction as written; null and left out are the same."""

    user_id: LongId | Int64 | None = None
    item_id: LongId | Int64 | None = None
    at: str | int | float | None = None
    weight: Weight | None = None


EXPECTED_FIELDS: dict[str, Any] = {
    "user_id": EXPECTED_ID,
    "item_id": EXPECTED_ID,
    "at": _AT,
    "weight": "a number from -1,000,000 to 1,000,000; negative for a skip or dislike",
}


def _moment(at: str | float, faults: list[Fault]) -> float | None:
    if isinstance(at, str):
        try:
            return epoch_us(at) / 1e6
        except ValueError:
            pass
    elif FIRST_S <= at <= LAST_S:
        return float(at)
    faults.append(Fault("at", _AT, shown(at)))
    return None


def _id(name: str, written: str | int | None, faults: list[Fault]) -> str:
    text = str(written) if isinstance(written, int) else written
    if text is None or not is_id(text):
        faults.append(Fault(name, EXPECTED_ID, shown(text)))
    return text or ""


def _interaction(raw: RawInteraction) -> Interaction:
    faults: list[Fault] = []
    interaction = Interaction(
        _id("user_id", raw.user_id, faults),
        _id("item_id", raw.item_id, faults),
        None if raw.at is None else _moment(raw.at, faults),
        1.0 if raw.weight is None else raw.weight,
    )
    if faults:
        raise RowProblem.of(faults, interaction)
    return interaction


INTERACTION_PARSER: RowParser[RawInteraction, Interaction] = RowParser(
    name="an interaction",
    raw=RawInteraction,
    build=_interaction,
    required=("user_id", "item_id"),
    expected=EXPECTED_FIELDS,
    cells={"at": "time", "weight": "number"},
)
