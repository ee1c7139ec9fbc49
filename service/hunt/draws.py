"""Drawing requests for a hunt: contexts at the edges of the rules, and every route in each."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from embedding.rows.schema import Item
from embedding.rows.times import rfc3339, rfc3339_us
from service.hunt.browse_draws import facets_body, items_path, suggest_path
from service.hunt.plain_rules import Asked

# As long a page as a request may ask for.
LIMIT = 100
_NUM_TEXTS = 64
_NOBODY = "hunt: a listener whom nobody knows"


class Question(Struct, frozen=True, kw_only=True):
    """One request. `left_out` must not come whatever the rules say, nor another row of the recordings of those `given`
    where one recording comes once; where it `tells_all`, a page that is short must hold all that the rules let pass and
    that is not left out."""

    route: str
    method: str
    path: str
    body: dict[str, Any] | None
    left_out: frozenset[str]
    asked: Asked
    given: frozenset[str] = frozenset()
    tells_all: bool = True
    # Whether two of one recording are one too many.
    once: bool = True


class Draws:
    """Draws from the items of a catalogue; the same seed asks the same."""

    def __init__(self, items: Sequence[Item], seed: int, now_s: int) -> None:
        self._items = items
        self._random = Random(seed)
        self._now_s = now_s
        windows = [window for item in items for window in item.availability]
        self._markets = sorted({window.market for window in windows} - {"*"}) or ["SE"]
        # In some market that no window names, only what is open everywhere may be shown.
        self._markets.append(next(market for market in ("NZ", "IS", "UY") if market not in self._markets))
        bounds = {bound for window in windows for bound in (window.from_s, window.until_s) if bound is not None}
        self._bounds = sorted(bounds)
        self._languages = sorted({item.language for item in items if item.language})
        # Few enough for a service to keep their vectors: an encoder takes 14 ms for a new one.
        self._texts = [item.title[:200] for item in self.some(_NUM_TEXTS)]
        self._ages = sorted({item.min_age for item in items if item.min_age})

    def some(self, num: int) -> Sequence[Item]:
        """`num` items, or all where there are no more."""
        return self._items if len(self._items) <= num else self._random.sample(self._items, num)

    def context(self, switches: Sequence[str] = ()) -> Asked:
        """A context; `switches` are those that the rules declare."""
        random = self._random
        blocked = self.some(random.choice((0, 0, 1, 20)))
        return Asked(
            market=random.choice(self._markets),
            at_s=self._time(),
            explicit=random.random() < 0.5,
            languages=self._ranges() if self._languages and random.random() < 0.4 else None,
            age=random.choice((None, None, 99, *(age + step for age in self._ages for step in (-1, 0)))),
            kinds=random.choice((None, None, ("track",), ("episode",), ("track", "episode"))),
            blocked_items=tuple(item.id for item in blocked[::2]),
            blocked_creators=tuple(self._spelt(item.creator) for item in blocked[1::2]),
            filter=self._filter(2) if random.random() < 0.3 else None,
            switches={name: random.random() < 0.5 for name in switches if random.random() < 0.5},
        )

    def questions(self, asked: Asked, release: str | None) -> list[Question]:
        """A question for each route; `release` is named where it is not None, on every route that takes one."""
        random = self._random
        base = _posted(asked) | {"limit": random.choice((10, LIMIT, LIMIT))}
        if release is not None:
            base["release"] = release
        if random.random() < 0.5:
            base["same_recording"] = True
        excluded = tuple(item.id for item in self.some(random.choice((0, 0, 3))))
        if excluded:
            base["exclude"] = excluded
        drawn = self.some(random.choice((1, 3)))
        seeds = [item.id for item in drawn]
        heard = [item.id for item in self.some(5)]
        similar = base | {"seeds": [{"id": one} for one in seeds], "unknown_seeds": "skip"}
        recommend = base | {"history": [{"id": one} for one in heard]}
        search = base | {"text": random.choice(self._texts)}
        nobody = base | {"user_id": _NOBODY}
        entries = {"similar": (similar, seeds), "recommend": (recommend, heard), "search": (search, ())}
        # Without a word of kinds, those of the seeds come, and of a history those that the model knows together; which
        # seeds the product knows is not known here.
        is_open = asked.kinds is None and not _names_kinds(asked.filter)
        of_seeds = tuple(sorted({item.kind for item in drawn}))
        near = replace(asked, kinds=of_seeds) if is_open else asked
        told = {"similar": not is_open or len(of_seeds) == 1, "recommend": not is_open, "search": True}
        posted = [
            Question(
                route=name,
                method="POST",
                path=f"/v1/{name}",
                body=body,
                left_out=frozenset((*excluded, *ids)),
                asked=near if name == "similar" else asked,
                given=frozenset(ids),
                tells_all=told[name],
            )
            for name, (body, ids) in entries.items()
        ]
        return [
            *posted,
            Question(
                route="mix",
                method="POST",
                path="/v1/similar",
                body=similar | {"mix": {"track": random.randint(1, 7), "episode": random.randint(1, 7)}},
                left_out=frozenset((*excluded, *seeds)),
                asked=asked,
                given=frozenset(seeds),
            ),
            *(() if release else (self._by_get(asked, drawn[0]),)),
            Question(
                route="fallback",
                method="POST",
                path="/v1/recommend",
                body=nobody,
                left_out=frozenset(excluded),
                asked=asked,
                tells_all=False,
            ),
            Question(
                route="batch",
                method="POST",
                path="/v1/batch",
                body={"queries": [{one.route: one.body} for one in posted]},
                left_out=frozenset(excluded),
                asked=asked,
                tells_all=False,
            ),
            *self._browsed(asked, release, excluded),
        ]

    def _browsed(self, asked: Asked, release: str | None, excluded: tuple[str, ...]) -> list[Question]:
        """Counts, a listing and suggestions."""
        said = _posted(asked) | ({} if release is None else {"release": release})
        if excluded:
            said["exclude"] = excluded
        ways: tuple[tuple[str, str, str, dict[str, Any] | None], ...] = (
            ("facets", "POST", "/v1/facets", facets_body(said)),
            ("items", "GET", items_path(said, self._random, LIMIT), None),
            ("suggest", "GET", suggest_path(said, self._random, self._items, LIMIT), None),
        )
        return [
            Question(
                route=route,
                method=method,
                path=path,
                body=body,
                left_out=frozenset(excluded),
                asked=asked,
                tells_all=route != "suggest",
                once=False,
            )
            for route, method, path, body in ways
        ]

    def _by_get(self, asked: Asked, seed: Item) -> Question:
        """The seed in the address; parameters cannot say the whole context, what is left out asks for more."""
        said = {"market": asked.market, "at": rfc3339(asked.at_s), "explicit": str(asked.explicit).lower()}
        if asked.languages is not None:
            said["languages"] = ",".join(asked.languages)
        if asked.kinds is not None:
            said["kinds"] = ",".join(asked.kinds)
        return Question(
            route="GET similar",
            method="GET",
            path=f"/v1/items/{quote(seed.id, safe='')}/similar?{urlencode(said | {'limit': str(LIMIT)})}",
            body=None,
            left_out=frozenset((seed.id,)),
            asked=replace(
                asked,
                kinds=asked.kinds or (seed.kind,),
                age=None,
                blocked_items=(),
                blocked_creators=(),
                filter=None,
                switches={},
            ),
            given=frozenset((seed.id,)),
        )

    def _time(self) -> int:
        """Now, or within a second of a moment at which some window opens or closes, or between two of them."""
        random = self._random
        if not self._bounds or random.random() < 0.3:
            return self._now_s
        if len(self._bounds) > 1 and random.random() < 0.2:
            before, after = random.choice(list(pairwise(self._bounds)))
            return random.randint(before, after)
        return random.choice(self._bounds) + random.choice((-1, 0, 1))

    def _ranges(self) -> tuple[str, ...]:
        random = self._random
        tag = random.choice(self._languages)
        subtags = tag.split("-")
        prefix = "-".join(subtags[: random.randint(1, len(subtags))])
        return random.choice(((tag,), (prefix,), (prefix.upper(),), (prefix, "xx"), ("*",), ("xx",)))

    def _filter(self, depth: int) -> dict[str, Any]:
        """A filter that some item of the catalogue fulfils, or just fails."""
        random = self._random
        if depth and random.random() < 0.5:
            join = random.choice(("all", "any", "none"))
            return {join: [self._filter(depth - 1) for _ in range(random.randint(1, 2))]}
        item = random.choice(self._items)
        conditions: list[dict[str, Any]] = [
            {"field": "kind", "equals": item.kind},
            {"field": "creators", "one_of": [self._spelt(item.creator)]},
            {"field": "min_age", "range": {random.choice(("lt", "lte", "gt", "gte")): item.min_age}},
        ]
        if item.tags:
            conditions.append({"field": "tags", "one_of": [random.choice(item.tags)]})
        if item.language is not None:
            conditions.append({"field": "language", "one_of": [item.language.split("-")[0]]})
        if item.explicit is not None:
            conditions.append({"field": "explicit", "equals": item.explicit})
        if item.duration_s is not None:
            conditions.append({"field": "duration_s", "range": {random.choice(("lt", "gte")): item.duration_s}})
        if item.published_us is not None:
            at = rfc3339_us(item.published_us)
            bound = random.choice(("lt", "lte", "gt", "gte"))
            conditions.append({"field": "published_at", "range": {bound: at}})
        return random.choice(conditions)

    def _spelt(self, name: str) -> str:
        return self._random.choice((name, name.upper(), f" {name}  "))


def _names_kinds(where: Mapping[str, Any] | None) -> bool:
    """Whether a filter asks for kinds."""
    if where is None:
        return False
    parts = [part for join in ("all", "any", "none") for part in where.get(join, ())]
    return where.get("field") == "kind" or any(map(_names_kinds, parts))


def _posted(asked: Asked) -> dict[str, Any]:
    context: dict[str, Any] = {"market": asked.market, "at": rfc3339(asked.at_s), "explicit": asked.explicit}
    for name, value in (
        ("languages", asked.languages),
        ("age", asked.age),
        ("blocked_items", asked.blocked_items or None),
        ("blocked_creators", asked.blocked_creators or None),
    ):
        if value is not None:
            context[name] = value
    body: dict[str, Any] = {"context": context}
    if asked.kinds is not None:
        body["kinds"] = asked.kinds
    if asked.filter is not None:
        body["filter"] = asked.filter
    if asked.switches:
        body["switches"] = dict(asked.switches)
    return body
