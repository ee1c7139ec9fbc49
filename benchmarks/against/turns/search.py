"""Turns of a search in each mode, and of a query by vector, as `benchmarks.search` asks for them, in process.

    python -m benchmarks.against WORKTREE search [--items 100000]

`new` texts come for the first time. Their vectors are made up, so that no text encoder runs in the time of a turn.
"""

import argparse
import asyncio
import os
import random
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.against.in_process import asks_of, take_of
from benchmarks.against.moved import found
from benchmarks.against.turn import Figure, Take

_MODES = ("semantic", "lexical", "hybrid")
_TEXTS = 200
# More than are asked for in a sitting.
_NEW_TEXTS = 20_000


@contextmanager
def opened(folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="search")
    parser.add_argument("--items", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    world = folder / f"worded-{asked.items}"
    encoder = found("benchmarks.harness.world:PlantedEncoder")(
        found("benchmarks.search.world:DIMS"), found("benchmarks.search.world:shares")()
    )
    found("benchmarks.harness.world:build_world")(
        world, asked.items, encoder, found("benchmarks.search.world:worded_rows")
    )
    os.environ[found("benchmarks.harness.opened_world:FOLDER")] = str(world)
    gate = found("service.ranking.encoder_gate:EncoderGate")(lambda: _beside_centres(encoder), wait_s=60)
    gate.load_now()
    parts = replace(found("benchmarks.harness.opened_world:parts_of_world")(), encoder=gate)
    with asyncio.Runner() as runner:
        runner.run(parts.store.open(parts.live.release.id))
        ask, takes = asks_of(parts), {}
        for name, requests in _requests(asked.items).items():
            takes[Figure(name, "/s")] = take_of(runner, ask, requests)
        for take in takes.values():
            # To get warm.
            take()
        yield takes


def _requests(num_items: int) -> dict[str, list[Any]]:
    near = found("benchmarks.harness.asking:similar_request")
    texts_of = found("benchmarks.search.world:drawn_texts")
    dice, texts = random.Random(2), texts_of(_TEXTS, seed=1)
    requests: dict[str, list[Any]] = {"a vector": [near(dice.randrange(num_items)) for _ in range(_TEXTS)]}
    some = requests["a vector"][0]
    kind = found("service.schemas.requests:SearchRequest")
    for place, mode in enumerate(_MODES):
        new = texts_of(_NEW_TEXTS, seed=100 + place)
        for name, asked in ((mode, texts), (f"{mode}, new", new)):
            requests[name] = [kind(text=text, mode=mode, context=some.context, limit=some.limit) for text in asked]
    return requests


def _beside_centres(encoder: Any) -> Any:
    """The encoder, but a text lies beside a centre that its words choose."""
    planted, num_centres = encoder.encode, found("benchmarks.harness.world:NUM_CENTRES")

    def encode(texts: Sequence[str]) -> Any:
        chosen = [zlib.crc32(text.encode()) for text in texts]
        return planted([f"centre-{number % num_centres} item-{number}" for number in chosen])

    encoder.encode = encoder.encode_queries = encode
    return encoder
