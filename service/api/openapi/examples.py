"""Examples for the OpenAPI page: what is asked gives hits on the release at hand, what is changed is a made-up row."""

import time
from typing import Any

from msgspec import Struct

from indexing.payload.payload import Payload
from indexing.release.release import Release
from service.queries.query_kinds import KINDS

# Enough rows to meet both kinds and an item with a licence that is open.
_LOOKED_AT = 500
_NUM_ITEMS = 3
# As much of a title as somebody has typed when suggestions begin to help.
_TYPED = 4
# Where the items looked at are open everywhere, any market will do.
_ANY_MARKET = "SE"
# A row that no catalogue has: whoever tries the page out on what people hear changes nothing that is theirs.
_ROW: dict[str, Any] = {
    "id": "nearfield-example",
    "kind": "track",
    "title": "A title to try things out with",
    "creator": "The Distant Orchards",
    "tags": ["example"],
    "availability": [{"market": "*", "until": "2031-01-01"}],
}
_RULES = '[blocked]\nitems = ["nearfield-example"]\n'


class Examples(Struct, frozen=True):
    """`bodies` by path; `asked` and `changed`: parameters by name, of routes that change nothing and of all others."""

    bodies: dict[str, Any]
    asked: dict[str, Any]
    changed: dict[str, Any]


def examples(release: Release, default_market: str | None) -> Examples:
    """What "Try it out" begins with."""
    payloads = [release.columns.payload(row) for row in range(min(_LOOKED_AT, len(release.columns)))]
    market = default_market or _open_market(payloads, release) or _ANY_MARKET
    open_there = [payload for payload in payloads if _is_open(payload, release, market)] or payloads
    items = open_there[:_NUM_ITEMS]
    queries = {kind.name: kind.example(items) | {"context": {"market": market}, "limit": 10} for kind in KINDS}
    bodies: dict[str, Any] = {f"/v1/{name}": query for name, query in queries.items()}
    bodies["/v1/batch"] = {"queries": [{name: query} for name, query in queries.items()]}
    bodies["/v1/items/{item_id}/why"] = {KINDS[0].name: queries[KINDS[0].name]}
    bodies["/v1/facets"] = {"context": {"market": market}}
    bodies["/v1/items"] = {"items": [_ROW]}
    bodies["/v1/rules"] = {"toml": _RULES}
    return Examples(
        bodies,
        asked={"item_id": items[0].id, "market": market, "q": items[0].title[:_TYPED]},
        changed={"item_id": _ROW["id"], "release_id": release.id, "number": 1},
    )


def _open_market(payloads: list[Payload], release: Release) -> str | None:
    now = time.time()
    for payload in payloads:
        for window in release.classes.windows_of(payload.availability_class):
            if window.market != "*" and _contains(window.from_s, window.until_s, now):
                return window.market
    return None


def _is_open(payload: Payload, release: Release, market: str) -> bool:
    now = time.time()
    return any(
        window.market in ("*", market) and _contains(window.from_s, window.until_s, now)
        for window in release.classes.windows_of(payload.availability_class)
    )


def _contains(from_s: int | None, until_s: int | None, at_s: float) -> bool:
    return (from_s is None or from_s <= at_s) and (until_s is None or at_s < until_s)
