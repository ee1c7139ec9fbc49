"""The ways of asking that are set beside one another: listeners who have heard much or nothing, ids in the request."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks.harness.asking import Ask, asked_context, asks, similar_request
from benchmarks.harness.opened_world import CONTEXT, LIMIT
from indexing.release.users import History, Users
from indexing.search.finder import Finder
from service.dependencies import Dependencies
from service.schemas.requests import Query, RecommendRequest

NUM_QUERIES = 40
K = 10
_NUM_POSTED = 1_000
Tenth = Callable[[int], float]
_LIKED = np.ones(1, dtype=np.float32)


class Side(Struct, frozen=True):
    """One way of asking: `ask(place)` gives the scores of the page of one query; `tenth(place)` is the score of the
    last of the exact ten."""

    name: str
    beside: str
    at_most: float | None
    ask: Callable[[int], Awaitable[list[float]]]
    tenth: Tenth


class _Listeners(Users):
    """Users by their place in a list, in place of those of the release."""

    def __init__(self, histories: Sequence[History]) -> None:
        self._histories = histories

    def find(self, user_id: str) -> History | None:
        """The user at that place."""
        return self._histories[int(user_id)]


def sides_of(parts: Dependencies, num_heard: int) -> list[Side]:
    """Every side over one world, of listeners who have heard `num_heard` of its items. The release's users go."""
    live = parts.live
    vectors, rows = live.release.columns.vectors("text"), live.rows
    num_items = len(vectors)
    rng = np.random.default_rng(5)
    seeds = rng.choice(num_items, NUM_QUERIES, replace=False)
    compiled = live.rules.compile(CONTEXT)
    passing = np.flatnonzero([compiled.accepts(rows.payload(row)) for row in range(num_items)])
    # The exponential race draws without replacement with chances of 1 / rank, ranks in no order of the rows.
    popularity = 1.0 / (1.0 + rng.permutation(num_items))
    popular = np.sort(np.argsort(rng.exponential(size=num_items) / popularity)[:num_heard]).astype(np.int32)
    near = [
        np.sort(np.argpartition(-(vectors @ vectors[seed]), num_heard)[:num_heard]).astype(np.int32) for seed in seeds
    ]
    posted = [rng.choice(num_items, _NUM_POSTED, replace=False) for _ in seeds]

    nothing = np.empty(0, dtype=np.int32)
    listeners = [
        *(_listener(int(seed), nothing) for seed in seeds),
        *(_listener(int(seed), popular) for seed in seeds),
        *(_listener(int(seed), heard) for seed, heard in zip(seeds, near, strict=True)),
    ]
    live.release.users = _Listeners(listeners)
    tower = live.tower
    assert tower is not None
    directions = [tower.encode(vectors[[seed]], _LIKED, CONTEXT.at_s) for seed in seeds]
    finder = Finder.of_release(parts.store, live.release, live.rules.version)

    async def exact(place: int) -> list[float]:
        found = await finder.nearest(directions[place], using="text", compiled=compiled, limit=LIMIT, exact=True)
        return found.scores

    def tenth(queries: Sequence[NDArray[np.float32]], left_out: Callable[[int], NDArray[np.integer]]) -> Tenth:
        def of_place(place: int) -> float:
            allowed = np.setdiff1d(passing, left_out(place))
            return float(np.partition(vectors[allowed] @ queries[place], -K)[-K])

        return of_place

    ask = asks(parts, live)
    context = asked_context()
    by_listener = _over_json(
        ask, [RecommendRequest(user_id=str(place), context=context, limit=LIMIT) for place in range(len(listeners))]
    )
    near_seeds = [similar_request(int(seed)) for seed in seeds]
    by_seed = _over_json(ask, near_seeds)
    excluding = [
        replace(request, exclude=tuple(f"item:{row}" for row in some))
        for request, some in zip(near_seeds, posted, strict=True)
    ]
    own = list(vectors[seeds])
    none, by_json = "nothing", "nothing, near a seed"
    return [
        Side(none, none, None, by_listener, tenth(directions, lambda _: nothing)),
        Side(
            "heard, by popularity",
            none,
            2.0,
            lambda place: by_listener(NUM_QUERIES + place),
            tenth(directions, lambda _: popular),
        ),
        Side("nothing, exact search", none, None, exact, tenth(directions, lambda _: nothing)),
        Side(
            "heard, the nearest ones",
            "nothing, exact search",
            1.5,
            lambda place: by_listener(2 * NUM_QUERIES + place),
            tenth(directions, near.__getitem__),
        ),
        Side(by_json, by_json, None, by_seed, tenth(own, lambda place: seeds[place : place + 1])),
        Side(
            f"{_NUM_POSTED:,} ids posted",
            by_json,
            1.5,
            _over_json(ask, excluding),
            tenth(own, lambda place: np.append(posted[place], seeds[place])),
        ),
    ]


def _listener(seed: int, heard: NDArray[np.int32]) -> History:
    return History(np.array([seed], dtype=np.int32), _LIKED, heard)


def _over_json(ask: Ask, requests: Sequence[Query]) -> Callable[[int], Awaitable[list[float]]]:
    """The scores of the hits, each request from its JSON to that of its answer."""
    decoder = msgspec.json.Decoder(type(requests[0]))
    bodies = [msgspec.json.encode(request) for request in requests]

    async def scores(place: int) -> list[float]:
        answer = msgspec.json.encode(await ask(decoder.decode(bodies[place])))
        return [hit["score"] for hit in msgspec.json.decode(answer)["hits"]]

    return scores
