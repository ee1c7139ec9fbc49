"""What arrangement, a next page and `explain` cost: throughput beside the plain query, ratios of one run.

    python -m benchmarks.arranged [--items 100000] [--rounds 7]

In process, without HTTP: `similar` under market, window and explicit rules, limit 20, each request from its JSON to
that of its answer. `plain` has no arrangement rule at all; `all` has caps per creator and tag, MMR, freshness,
popularity, one recording once and 500 items seen. `no explain at all` answers plain requests by code that has never
heard of `explain`: what it costs when it is off. Beside each: whether every page is full and obeys the caps.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.floor_apps import LIMIT
from benchmarks.journalled import similar_request
from benchmarks.made_world import opened_world
from indexing.rules.arrangement import Arrangement
from indexing.rules.declaration import RuleSet
from service.app import open_pipeline
from service.dependencies import Dependencies
from service.queries.pipeline import STAGES, Pipeline
from service.queries.resolved_query import ResolvedQuery
from service.queries.stage_tools import StageTools
from service.schemas.requests import SimilarRequest

DIMS = 64
_QUERIES = 200
_NUM_SEEN = 500
_PLAIN = Arrangement(same_recording=True)
_ALL = Arrangement(max_per_creator=2, max_per_tag=10, diversity=0.3, freshness=0.1, popularity=0.1)
_decoder = msgspec.json.Decoder(SimilarRequest)


class Side(Struct, frozen=True):
    """One kind of request; `pages_before` of them are turned first, untimed."""

    name: str
    arrangement: Arrangement
    at_least: float | None
    num_seen: int = 0
    pages_before: int = 0
    explain: bool = False
    at_most: float | None = None


def _explain_nothing(_: StageTools, resolved: ResolvedQuery) -> None:
    """The last stage without a look at `explain`."""
    resolved.explanations, resolved.passages = {}, {}


_NEVER_EXPLAINED = "no explain at all"
SIDES = (
    Side("plain", _PLAIN, None),
    Side("packaged rules", Arrangement(), None),
    Side("all", _ALL, 0.5, num_seen=_NUM_SEEN),
    Side("page 2", _PLAIN, 1 / 1.2, pages_before=1),
    Side("page 5", _PLAIN, None, pages_before=4),
    Side("explained", _PLAIN, None, explain=True),
    Side(_NEVER_EXPLAINED, _PLAIN, None, at_most=1.02),
)


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    parts = opened_world(folder, arguments.items, DIMS)
    sides = {side.name: (side, _queries(parts, side)) for side in SIDES}
    taken: dict[str, list[float]] = {name: [] for name in sides}

    async def measure() -> dict[str, bool]:
        await parts.store.open(parts.live.release.id)
        bodies = {name: await _bodies(parts, side, queries) for name, (side, queries) in sides.items()}
        obeyed = {name: await _obeyed(side, queries, bodies[name]) for name, (side, queries) in sides.items()}
        for _ in range(arguments.rounds):
            for name, (_, queries) in sides.items():
                start = time.perf_counter()
                for body in bodies[name]:
                    msgspec.json.encode(await queries.answer(_decoder.decode(body)))
                taken[name].append(time.perf_counter() - start)
        return obeyed

    obeyed = asyncio.run(measure())
    table = Table(title=f"{arguments.items:,} items, limit {LIMIT}, {_QUERIES} queries")
    for heading in ("request", "queries/s", "of plain", "bar", "full, caps kept"):
        table.add_column(heading, justify="left" if heading == "request" else "right")
    for name, (side, _) in sides.items():
        ratio = statistics.median(a / b for a, b in zip(taken["plain"], taken[name], strict=True))
        bound = "" if side.at_least is None else f"≥ {side.at_least:.2f}"
        bound = bound if side.at_most is None else f"≤ {side.at_most:.2f}"
        rate = _QUERIES / statistics.median(taken[name])
        table.add_row(name, f"{rate:,.0f}", f"{ratio:.3f}", bound, "yes" if obeyed[name] else "NO")
    Console().print(table)


class _Arranged(RuleSet, frozen=True, kw_only=True):
    """The packaged rules, but for what they say of arrangement."""

    said: Arrangement

    def arrangement(self, _switches: Mapping[str, bool]) -> Arrangement:
        """What was said, whatever the switches."""
        return self.said


def _queries(parts: Dependencies, side: Side) -> Pipeline:
    """The product's queries under rules that say of arrangement what the side does."""
    queries = open_pipeline(parts, parts.live.under(_Arranged(said=side.arrangement), parts.live.rules.version))
    if side.name != _NEVER_EXPLAINED:
        return queries
    return Pipeline(queries.tools, [*STAGES[:-1], replace(STAGES[-1], run=_explain_nothing)])


async def _bodies(parts: Dependencies, side: Side, queries: Pipeline) -> list[bytes]:
    """The requests of one side, with the cursors of the pages that come before."""
    rng = np.random.default_rng(3)
    num_items = len(parts.live.release.columns)
    bodies = []
    for seed in rng.choice(num_items, _QUERIES, replace=False).tolist():
        request = replace(similar_request(seed), explain=side.explain)
        if side.num_seen:
            # The nearest ones: what a listener has heard lies where they are asked for.
            vectors = parts.live.release.columns.vectors("text")
            near = np.argpartition(-(vectors @ vectors[seed]), 2 * side.num_seen)[: 2 * side.num_seen]
            heard = rng.choice(near, side.num_seen, replace=False)
            request = replace(request, exclude=tuple(f"item:{row}" for row in heard))
        for _ in range(side.pages_before):
            request = replace(request, cursor=(await queries.answer(request)).next_cursor)
        bodies.append(msgspec.json.encode(request))
    return bodies


async def _obeyed(side: Side, queries: Pipeline, bodies: list[bytes]) -> bool:
    """Whether every page is full and within the caps."""
    cap = side.arrangement.max_per_creator or LIMIT
    for body in bodies:
        answer = msgspec.json.encode(await queries.answer(_decoder.decode(body)))
        hits: list[dict[str, Any]] = msgspec.json.decode(answer)["hits"]
        creators = Counter(name for hit in hits for name in hit["creators"])
        if len(hits) != LIMIT or max(creators.values()) > cap:
            return False
    return True


if __name__ == "__main__":
    main()
