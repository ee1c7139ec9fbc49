"""Turns of a build that is asked in its own process: as many requests as a turn has time for, one after another."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle
from typing import Any

import msgspec

from benchmarks.against.moved import found
from benchmarks.against.turn import Take, Turn

# Short, so that what slows the machine down for a while falls on both builds; some hundred requests of a small world.
_TURN_S = 0.25

Ask = Callable[[Any], Awaitable[object]]


def asks_of(parts: Any) -> Ask:
    """Answers any request Struct from the live release of `parts`."""
    asks = found("benchmarks.harness.asking:asks")(parts, parts.live)
    if not hasattr(asks, "similar"):
        # Builds with `benchmarks.harness.asking`.
        return asks  # type: ignore[no-any-return]
    ways = {
        found(f"service.schemas.requests:{kind.capitalize()}Request"): getattr(asks, kind)
        for kind in ("similar", "recommend", "search")
    }
    return lambda request: ways[type(request)](request)


def take_of(runner: asyncio.Runner, ask: Ask, requests: Iterable[Any]) -> Take:
    """A turn of a quarter of a second, from Structs to the JSON of answers; the next one goes on with the requests."""
    coming = cycle(requests)

    async def turn() -> Turn:
        began, cpu_began, work = time.perf_counter(), time.process_time(), 0
        while (taken := time.perf_counter() - began) < _TURN_S:
            msgspec.json.encode(await ask(next(coming)))
            work += 1
        return Turn(work, taken, time.process_time() - cpu_began)

    return lambda: runner.run(turn())
