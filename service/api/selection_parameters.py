"""What a GET route takes of a selection: each field of a body as a parameter of its own, lists and objects as JSON."""

from typing import Annotated, Any

import msgspec
from litestar.params import QueryParameter

from service.schemas.problems import invalid
from service.schemas.validation import shown

Age = Annotated[int | None, QueryParameter(description="The listener's age in years. Left out: below every `min_age`.")]
BlockedItems = Annotated[str | None, QueryParameter(description='Ids that must not come, as JSON: `["track-1"]`.')]
BlockedCreators = Annotated[str | None, QueryParameter(description='Names of creators, as JSON: `["The Bridges"]`.')]
Exclude = Annotated[str | None, QueryParameter(description="Ids that must not come besides, as JSON.")]
FilterText = Annotated[
    str | None,
    QueryParameter(name="filter", description='A filter as JSON: `{"field": "tags", "equals": "jazz"}`.'),
]
SwitchesText = Annotated[
    str | None, QueryParameter(name="switches", description="Switches that the rules declare, as JSON.")
]
ReleaseName = Annotated[
    str | None, QueryParameter(name="release", description="Answer from this release; left out: the live one.")
]


def listed(text: str | None) -> list[str] | None:
    """The parts of a list with commas."""
    return None if text is None else text.split(",")


def selection_values(
    *,
    market: str | None,
    at: str | None,
    explicit: bool | None,
    languages: str | None,
    kinds: str | None,
    age: int | None,
    blocked_items: str | None,
    blocked_creators: str | None,
    exclude: str | None,
    filter_text: str | None,
    switches: str | None,
    release: str | None,
) -> dict[str, Any]:
    """The fields of a body that stand for these parameters; a 400 problem for what should be JSON and is not."""
    context = {
        "market": market,
        "at": at,
        "explicit": explicit,
        "languages": listed(languages),
        "age": age,
        "blocked_items": _json("blocked_items", blocked_items),
        "blocked_creators": _json("blocked_creators", blocked_creators),
    }
    said = {
        "context": given(context),
        "kinds": listed(kinds),
        "exclude": _json("exclude", exclude),
        "filter": _json("filter", filter_text),
        "switches": _json("switches", switches),
        "release": release,
    }
    return given(said)


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Those values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _json(name: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid(name, "JSON, percent-encoded", shown(text)) from error
    if value is None:
        raise invalid(name, "a value: leave the parameter out where there is none", "null")
    return value
