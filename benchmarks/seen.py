"""What it costs to leave out what a listener has heard, or what a request names: ratios of one run, recall beside each.

    python -m benchmarks.seen [--items 1000000] [--share 0.1] [--rounds 5]

In process, without HTTP: rules, search, re-check and page, limit 20. A tenth of the catalogue is heard: drawn by
popularity (Zipf), or the nearest ones of each query, all of them; the first is set beside a listener who has heard
nothing, the second beside an exact search of the columns. 1,000 ids in `exclude` are set beside none, each as the JSON
of a request. Recall is against brute force over what may be shown.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.floor_apps import CONTEXT, LIMIT
from benchmarks.journalled import similar_request
from benchmarks.made_world import opened_world
from service.app import open_pipeline
from service.dependencies import Dependencies
from service.loaded.exclusions import NOTHING_HEARD, Exclusions
from service.schemas.requests import SimilarRequest

DIMS = 64
_QUERIES = 40
_NUM_POSTED = 1_000
_K = 10
_NOBODY: frozenset[int] = frozenset()


class Side(Struct, frozen=True):
    """One way of asking: `ask(place)` gives the scores of the page of one query; `allowed(place)` are its rows."""

    name: str
    beside: str
    at_most: float | None
    ask: Callable[[int], Awaitable[list[float]]]
    allowed: Callable[[int], NDArray[np.int64]]


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.1, help="of the catalogue that was heard")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    parts = opened_world(folder, arguments.items, DIMS)
    num_heard = int(arguments.share * arguments.items)
    sides = _sides(parts, arguments.items, num_heard)
    taken: dict[str, list[float]] = {side.name: [] for side in sides}

    async def measure() -> list[str]:
        await parts.store.open(parts.live.release.id)
        recalls = [f"{await _recall(parts, side):.4f}" for side in sides]
        for _ in range(arguments.rounds):
            for side in sides:
                taken[side.name].append(await _asked(side))
        return recalls

    recalls = asyncio.run(measure())
    table = Table(title=f"{arguments.items:,} items, {num_heard:,} of them heard, limit {LIMIT}, {_QUERIES} queries")
    for heading in ("left out", "ms", "beside", "ratio", "at most", f"recall@{_K}"):
        table.add_column(heading, justify="left" if heading in ("left out", "beside") else "right")
    for side, recall in zip(sides, recalls, strict=True):
        ratio = statistics.median(a / b for a, b in zip(taken[side.name], taken[side.beside], strict=True))
        bound = "" if side.at_most is None else f"{side.at_most:g}"
        took_ms = f"{statistics.median(taken[side.name]):.2f}"
        table.add_row(side.name, took_ms, side.beside, f"{ratio:.2f}", bound, recall)
    Console().print(table)


def _sides(parts: Dependencies, num_items: int, num_heard: int) -> list[Side]:
    queries = open_pipeline(parts, parts.live)
    rankings, pages, rows = queries.tools.rankings, queries.tools.pages, parts.live.rows
    rng = np.random.default_rng(5)
    seeds = rng.choice(num_items, _QUERIES, replace=False)
    vectors = parts.live.release.columns.vectors("text")
    compiled = parts.live.rules.compile(CONTEXT)
    # The exponential race draws without replacement with chances of 1 / rank, ranks in no order of the rows.
    popularity = 1.0 / (1.0 + rng.permutation(num_items))
    popular = np.sort(np.argsort(rng.exponential(size=num_items) / popularity)[:num_heard]).astype(np.int32)
    near = [np.sort(np.argpartition(-(vectors @ vectors[seed]), num_heard)[:num_heard]) for seed in seeds]
    passing = np.flatnonzero([compiled.accepts(rows.payload(row)) for row in range(num_items)])
    posted = [rng.choice(num_items, _NUM_POSTED, replace=False) for _ in seeds]
    bodies = [msgspec.json.encode(similar_request(int(seed))) for seed in seeds]
    bodies_posted = [
        msgspec.json.encode(replace(similar_request(int(seed)), exclude=tuple(f"item:{row}" for row in some)))
        for seed, some in zip(seeds, posted, strict=True)
    ]
    decoder = msgspec.json.Decoder(SimilarRequest)

    def listener(heard: Callable[[int], NDArray[np.int32]]) -> Callable[[int], Awaitable[list[float]]]:
        async def ask(place: int) -> list[float]:
            excluded = Exclusions(_NOBODY, heard=heard(place))
            ranking = rankings.nearest(vectors[seeds[place]], using="text", context=CONTEXT, excluded=excluded)
            page = await pages.cut(ranking, CONTEXT, LIMIT, using="text")
            assert len(page.rows) == LIMIT
            return page.scores

        return ask

    async def exact(place: int) -> list[float]:
        found = await rankings.finder.nearest(
            vectors[seeds[place]], using="text", compiled=compiled, limit=LIMIT, exact=True
        )
        return found.scores

    def over_json(made: list[bytes]) -> Callable[[int], Awaitable[list[float]]]:
        async def ask(place: int) -> list[float]:
            answer = msgspec.json.encode(await queries.answer(decoder.decode(made[place])))
            return [hit["score"] for hit in msgspec.json.decode(answer)["hits"]]

        return ask

    near32 = [some.astype(np.int32) for some in near]
    none, by_json = "nothing", "nothing, as JSON"
    return [
        Side(none, none, None, listener(lambda _: NOTHING_HEARD), lambda _: passing),
        Side("heard, by popularity", none, 2.0, listener(lambda _: popular), lambda _: np.setdiff1d(passing, popular)),
        Side("nothing, exact search", none, None, exact, lambda _: passing),
        Side(
            "heard, the nearest ones",
            "nothing, exact search",
            1.5,
            listener(near32.__getitem__),
            lambda place: np.setdiff1d(passing, near[place]),
        ),
        Side(by_json, by_json, None, over_json(bodies), lambda place: np.setdiff1d(passing, seeds[place : place + 1])),
        Side(
            f"{_NUM_POSTED:,} ids posted",
            by_json,
            1.5,
            over_json(bodies_posted),
            lambda place: np.setdiff1d(passing, np.append(posted[place], seeds[place])),
        ),
    ]


async def _asked(side: Side) -> float:
    """Milliseconds for one query, on average."""
    start = time.perf_counter()
    for place in range(_QUERIES):
        await side.ask(place)
    return (time.perf_counter() - start) / _QUERIES * 1_000


async def _recall(parts: Dependencies, side: Side) -> float:
    """Part of the exact ten nearest that come, ties counted as found."""
    vectors = parts.live.release.columns.vectors("text")
    rng = np.random.default_rng(5)
    seeds = rng.choice(len(vectors), _QUERIES, replace=False)
    found = 0
    for place, seed in enumerate(seeds):
        tenth = np.partition(vectors[side.allowed(place)] @ vectors[seed], -_K)[-_K]
        found += sum(score >= tenth - 1e-5 for score in (await side.ask(place))[:_K])
    return found / (_K * _QUERIES)


if __name__ == "__main__":
    main()
