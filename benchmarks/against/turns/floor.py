"""Turns of `similar` and `recommend` as `benchmarks.floor` asks for them: in process, over HTTP, and their p99.

    python -m benchmarks.against WORKTREE floor [--items 100000] [--query similar recommend] [--way process http p99]
        [--workers 1]

`process` and `http` are rates; `p99` is the time of an open loop at half of the capacity of `http`, which it needs.
"""

import argparse
import asyncio
import os
import socket
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.against.in_process import asks_of, take_of
from benchmarks.against.moved import found, named
from benchmarks.against.turn import Figure, Take, Turn, children_of, cpu_s_of
from benchmarks.harness import wrk

_DIMS, _NUM_BODIES = 64, 1_000
_QUERIES, _WAYS = ("similar", "recommend"), ("process", "http", "p99")
# The least that wrk takes; an open loop needs a tail to tell of.
_TURN_S, _LOOP_S = 1, 3


@contextmanager
def opened(folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="floor")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--query", nargs="+", choices=_QUERIES, default=_QUERIES)
    parser.add_argument("--way", nargs="+", choices=_WAYS, default=("process", "http"))
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(arguments)
    world = folder / f"world-{asked.items}"
    found("benchmarks.harness.world:build_world")(
        world, asked.items, found("benchmarks.harness.world:PlantedEncoder")(_DIMS)
    )
    os.environ[found("benchmarks.harness.opened_world:FOLDER")] = str(world)
    numbers = np.random.default_rng(5).integers(0, asked.items, _NUM_BODIES).tolist()
    body_of = found("benchmarks.floor.serving:body_of")
    bodies = {query: [body_of(query, number) for number in numbers] for query in asked.query}
    takes: dict[Figure, Take] = {}
    with ExitStack() as stack:
        if "process" in asked.way:
            takes |= _in_process(stack.enter_context(asyncio.Runner()), bodies)
        if {"http", "p99"} & set(asked.way):
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            served = _Served(stack, bodies, scratch, asked.workers)
            takes |= {Figure(f"{query} over HTTP", "/s"): served.rate(query) for query in bodies}
            if "p99" in asked.way:
                takes |= {Figure(f"{query} over HTTP, p99 at half load", "ms"): served.p99(query) for query in bodies}
        for take in takes.values():
            # To get warm.
            take()
        yield takes


def _in_process(runner: asyncio.Runner, bodies: dict[str, list[bytes]]) -> dict[Figure, Take]:
    parts = found("benchmarks.harness.opened_world:parts_of_world")()
    runner.run(parts.store.open(parts.live.release.id))
    ask = asks_of(parts)
    takes = {}
    for query, of_query in bodies.items():
        kind = found(f"service.schemas.requests:{query.capitalize()}Request")
        requests = [msgspec.json.decode(body, type=kind) for body in of_query]
        takes[Figure(f"{query} in process", "/s")] = take_of(runner, ask, requests)
    return takes


class _Served:
    """The build's own application under its own supervisor, until the stack closes."""

    def __init__(self, stack: ExitStack, bodies: dict[str, list[bytes]], scratch: Path, workers: int) -> None:
        self._bodies = bodies
        self._rates: dict[str, list[float]] = {query: [] for query in bodies}
        self._scripts = {query: wrk.write_script(scratch, query, of_query) for query, of_query in bodies.items()}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        query, of_query = next(iter(bodies.items()))
        factory = named("benchmarks.floor.apps:build_product")
        served: Any = found("benchmarks.floor.serving:served")
        stack.enter_context(served(factory, self._port, workers, query, of_query[0]))

    def rate(self, query: str) -> Take:
        """Requests answered without a pause between them."""

        def take() -> Turn:
            before = self._cpu_s()
            address = f"http://127.0.0.1:{self._port}/v1/{query}"
            asked = wrk.ask(self._scripts[query], address, _TURN_S)
            self._rates[query].append(asked.rate)
            return Turn(asked.requests, asked.seconds, self._cpu_s_since(before))

        return take

    def p99(self, query: str) -> Take:
        """The time that 99 of 100 requests stay within, which come at half of this build's own rate."""
        latencies_ms = found("benchmarks.harness.open_loop:latencies_ms")

        def take() -> Turn:
            before = self._cpu_s()
            half = statistics.median(self._rates[query]) / 2
            bodies = self._bodies[query]
            taken = latencies_ms(self._port, f"/v1/{query}", bodies, per_second=half, seconds=_LOOP_S)
            return Turn(1.0, float(np.percentile(taken, 99)) / 1_000, self._cpu_s_since(before) / len(taken))

        return take

    def _cpu_s(self) -> dict[int, float]:
        return {child: cpu_s_of(child) for child in children_of(os.getpid())}

    def _cpu_s_since(self, before: dict[int, float]) -> float:
        # Clients have begun and ended in between.
        return sum(now - before[child] for child, now in self._cpu_s().items() if child in before)
