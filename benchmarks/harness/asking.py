"""How a benchmark asks the product in its own process: a request Struct in, an answer Struct out, no HTTP."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.harness.opened_world import CONTEXT, LIMIT
from service.app import open_pipeline
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.schemas.answers import Answer
from service.schemas.requests import Context, Query, Seed, SimilarRequest

Ask = Callable[[Query], Coroutine[Any, Any, Answer]]


def asks(parts: Dependencies, loaded: LoadedRelease) -> Ask:
    """Answers any kind of query from `loaded`, as its route does once the body is validated."""
    return open_pipeline(parts, loaded).answer


def asked_context() -> Context:
    """The context of every request: one market, a fixed moment, nothing explicit."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CONTEXT.at_s))
    return Context(market=CONTEXT.market, at=at, explicit=CONTEXT.explicit)


def similar_request(row: int) -> SimilarRequest:
    """The request that every benchmark in process makes of a made-up world: near one row, under three rules."""
    return SimilarRequest(seeds=(Seed(f"item:{row}"),), context=asked_context(), limit=LIMIT)
