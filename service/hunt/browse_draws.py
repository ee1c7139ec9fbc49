"""Drawing what is asked for without a ranking: counts, listings and suggestions, in a context that was drawn."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode

from embedding.rows.schema import Item


def facets_body(posted: Mapping[str, Any]) -> dict[str, Any]:
    """A body of facets; `posted` has what a query of any kind would say of its context."""
    return {**posted, "fields": ["kind"]}


def items_path(posted: Mapping[str, Any], random: Random, limit: int) -> str:
    """The address of a listing."""
    order = random.choice(("row", "newest", "popular"))
    return f"/v1/items?{urlencode(_parameters(posted) | {'limit': str(limit), 'order': order})}"


def suggest_path(posted: Mapping[str, Any], random: Random, items: Sequence[Item], limit: int) -> str:
    """The address of suggestions for the beginning of some title, one in three with a letter that is wrong."""
    typed = random.choice(items).title[: random.randint(1, 12)]
    if random.random() < 0.3:
        place = random.randrange(len(typed))
        typed = f"{typed[:place]}x{typed[place + 1 :]}"
    return f"/v1/suggest?{urlencode(_parameters(posted) | {'q': typed, 'limit': str(limit)})}"


def _parameters(posted: Mapping[str, Any]) -> dict[str, str]:
    said = {**posted["context"], **{name: value for name, value in posted.items() if name != "context"}}
    return {name: _text(name, value) for name, value in said.items()}


def _text(name: str, value: Any) -> str:
    if name in ("languages", "kinds"):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)
