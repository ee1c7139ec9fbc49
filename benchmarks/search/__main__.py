"""A search in each mode beside a query by vector of the same release, rules and limit; repeated texts and new ones.

    python -m benchmarks.search [--items 100000] [--rounds 5]

In process, without HTTP: rules, search, re-check and the answer's JSON, turn by turn. Rows have thirty words drawn as
words fall in languages, and vectors of 384 dims around centres, whose principal components are as long as those of
real texts: a third of them has .8 of all squares. `repeated`: texts that were asked before, their vectors
and words in the cache. `new`: the first time; the packaged encoder runs for each, and its own time, measured beside
it, is taken off.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.harness.asking import Ask, asks, similar_request
from benchmarks.harness.opened_world import FOLDER, LIMIT, parts_of_world
from benchmarks.search.world import MODES, Mode, QueryEncoder, build_worded_world, drawn_texts, search_request
from embedding.protocols import Vectors
from embedding.text.encoder_folder import find_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from service.dependencies import Dependencies
from service.ranking.encoder_gate import EncoderGate
from service.schemas.requests import Query

_TEXTS, _NEW_TEXTS = 200, 1_000
_BAR_REPEATED, _BAR_NEW_MS = 1.3, 3.0


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-search-{arguments.items}"
    build_worded_world(folder, arguments.items)
    os.environ[FOLDER] = str(folder)
    encoder = _PackagedPace()
    gate = EncoderGate(lambda: encoder, wait_s=60)
    gate.load_now()
    parts = replace(parts_of_world(), encoder=gate)
    asyncio.run(_measure(parts, encoder, arguments.items, arguments.rounds))


class _PackagedPace(QueryEncoder):
    """Takes as long as the packaged encoder."""

    def __init__(self) -> None:
        super().__init__()
        self._packaged = SentenceEncoder.load(find_encoder(None))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims)."""
        self._packaged.encode_queries(texts)
        return super().encode_queries(texts)


async def _measure(parts: Dependencies, encoder: _PackagedPace, num_items: int, rounds: int) -> None:
    await parts.store.open(parts.live.release.id)
    ask = asks(parts, parts.live)
    texts = drawn_texts(_TEXTS, seed=1)
    dice = random.Random(2)
    ways: dict[str, list[Query]] = {"a vector": [similar_request(dice.randrange(num_items)) for _ in texts]}
    ways |= {mode: [search_request(text, mode) for text in texts] for mode in MODES}
    taken: dict[str, list[list[float]]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, requests in ways.items():
            each = [await _timed(ask, request) for request in requests]
            # The first turn fills the caches.
            if turn:
                taken[name].append(each)
    new: dict[str, list[float]] = {
        mode: await _new(ask, mode, None if mode == "lexical" else encoder, place) for place, mode in enumerate(MODES)
    }
    _report(num_items, taken, new)


async def _timed(ask: Ask, request: Query) -> float:
    start = time.perf_counter()
    msgspec.json.encode(await ask(request))
    return 1e3 * (time.perf_counter() - start)


async def _new(ask: Ask, mode: Mode, encoder: _PackagedPace | None, seed: int) -> list[float]:
    """Milliseconds of each new text, without those of its `encoder` where it has one."""
    texts = drawn_texts(_NEW_TEXTS, seed=100 + seed)
    took = []
    for text in texts:
        start = time.perf_counter()
        if encoder is not None:
            encoder.encode_queries([text])
        encoding_ms = 1e3 * (time.perf_counter() - start)
        took.append(await _timed(ask, search_request(text, mode)) - encoding_ms)
    return took


def _report(num_items: int, taken: dict[str, list[list[float]]], new: dict[str, list[float]]) -> None:
    table = Table(
        title=f"{num_items:,} items, limit {LIMIT}, market, window and explicit rules, medians of rounds by turns"
    )
    for heading in ("by", "repeated, p50 ms", "p99 ms", "times a vector", "new, p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if heading == "by" else "right")
    base = [statistics.fmean(each) for each in taken["a vector"]]
    for name, turns in taken.items():
        ratio = statistics.median(statistics.fmean(each) / one for each, one in zip(turns, base, strict=True))
        every = np.concatenate(turns)
        cells = [f"{np.percentile(every, 50):.2f}", f"{np.percentile(every, 99):.2f}", f"{ratio:.2f}"]
        if name in new:
            cells += [f"{np.percentile(new[name], 50):.2f}", f"{np.percentile(new[name], 99):.2f}"]
        table.add_row(name, *cells)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"bars: repeated {_BAR_REPEATED} times a vector, new {_BAR_NEW_MS:g} ms besides the encoder")


if __name__ == "__main__":
    main()
