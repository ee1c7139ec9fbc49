"""Turns of each kind of request that `benchmarks.arranged` sets beside one another, in process.

python -m benchmarks.against WORKTREE arranged [--items 100000]
"""

import argparse
import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.against.in_process import Ask, take_of
from benchmarks.against.moved import found
from benchmarks.against.turn import Figure, Take

_DIMS = 64
# What some builds have besides.
_SIDES = ("plain", "packaged rules", "all", "page 2", "page 5", "explained")


@contextmanager
def opened(folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="arranged")
    parser.add_argument("--items", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    world = folder / f"world-{asked.items}"
    found("benchmarks.harness.world:build_world")(
        world, asked.items, found("benchmarks.harness.world:PlantedEncoder")(_DIMS)
    )
    os.environ[found("benchmarks.harness.opened_world:FOLDER")] = str(world)
    parts = found("benchmarks.harness.opened_world:parts_of_world")()
    decoder = msgspec.json.Decoder(found("service.schemas.requests:SimilarRequest"))
    with asyncio.Runner() as runner:
        runner.run(parts.store.open(parts.live.release.id))
        takes: dict[Figure, Take] = {}
        for side in found("benchmarks.arranged.sides:SIDES"):
            if side.name in _SIDES:
                asks = found("benchmarks.arranged.sides:ask_of")(parts, side)
                bodies = runner.run(found("benchmarks.arranged.sides:bodies_of")(parts, side, asks))
                ask = _from_json(getattr(asks, "similar", asks), decoder)
                takes[Figure(side.name, "/s")] = take_of(runner, ask, bodies)
        for take in takes.values():
            # To get warm.
            take()
        yield takes


def _from_json(ask: Ask, decoder: Any) -> Ask:
    return lambda body: ask(decoder.decode(body))
