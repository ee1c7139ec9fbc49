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
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.floor_apps import CONTEXT, FOLDER, LIMIT, parts_of_world
from benchmarks.world import NUM_CENTRES, PlantedEncoder, build_world, rows
from embedding.protocols import Vectors
from embedding.text.sentence_encoder import SentenceEncoder
from service.app import open_pipeline
from service.dependencies import Dependencies
from service.ranking.encoder_gate import EncoderGate
from service.schemas.answers import Answer
from service.schemas.requests import Context, SearchRequest, Seed, SimilarRequest

DIMS = 384
# How much of all squares the first principal components of 117,164 real titles and descriptions have, of the packaged
# encoder: the first 32 .488, and so on.
_OF_REAL_TEXTS = {0: 0.0, 32: 0.488, 64: 0.629, 96: 0.73, 128: 0.805, 192: 0.909, DIMS: 1.0}
_TEXTS, _NEW_TEXTS = 200, 1_000
_WORDS, _WORDS_A_ROW, _WORDS_A_QUERY = 60_000, 30, 4
_BAR_REPEATED, _BAR_NEW_MS = 1.3, 3.0
_MODES = ("semantic", "lexical", "hybrid")


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-search-{arguments.items}"
    build_world(folder, arguments.items, PlantedEncoder(DIMS, _shares()), _with_words)
    os.environ[FOLDER] = str(folder)
    encoder = _Encoder()
    gate = EncoderGate(lambda: encoder, wait_s=60)
    gate.load_now()
    parts = replace(parts_of_world(), encoder=gate)
    asyncio.run(_measure(parts, encoder, arguments.items, arguments.rounds))


class _Encoder(PlantedEncoder):
    """Puts a query of words beside a centre that the words choose, in the time that the packaged encoder takes."""

    def __init__(self) -> None:
        super().__init__(DIMS, _shares())
        self._packaged = SentenceEncoder.load(None)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims)."""
        self._packaged.encode(texts)
        chosen = [zlib.crc32(text.encode()) for text in texts]
        return super().encode([f"centre-{number % NUM_CENTRES} item-{number}" for number in chosen])


def _shares() -> NDArray[np.float64]:
    """(DIMS,) how much of all squares each component has."""
    so_far = np.interp(np.arange(DIMS + 1), list(_OF_REAL_TEXTS), list(_OF_REAL_TEXTS.values()))
    return np.diff(so_far)


def _with_words(num_items: int) -> Iterator[dict[str, object]]:
    dice = np.random.default_rng(11)
    for row in rows(num_items):
        yield row | {"text": _words(dice, _WORDS_A_ROW)}


def _words(dice: np.random.Generator, num: int) -> str:
    """Words by Zipf's law: the commonest is in nearly every row."""
    ranks = np.minimum(dice.zipf(1.3, num), _WORDS)
    return " ".join(f"w{rank}" for rank in ranks)


async def _measure(parts: Dependencies, encoder: _Encoder, num_items: int, rounds: int) -> None:
    await parts.store.open(parts.live.release.id)
    queries = open_pipeline(parts, parts.live)
    texts = _texts(_TEXTS, seed=1)
    dice = random.Random(2)
    seeds = [f"item:{dice.randrange(num_items)}" for _ in texts]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CONTEXT.at_s))
    context = Context(market=CONTEXT.market, at=at, explicit=CONTEXT.explicit)

    async def similar(seed: str) -> Answer:
        return await queries.answer(SimilarRequest(seeds=(Seed(seed),), context=context, limit=LIMIT))

    def search(mode: str) -> Callable[[str], Awaitable[Answer]]:
        return lambda text: queries.answer(SearchRequest(text=text, mode=mode, context=context, limit=LIMIT))  # type: ignore[arg-type]

    ways = {"a vector": (similar, seeds)} | {mode: (search(mode), texts) for mode in _MODES}
    taken: dict[str, list[list[float]]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (ask, asked) in ways.items():
            each = [await _timed(ask, one) for one in asked]
            # The first turn fills the caches.
            if turn:
                taken[name].append(each)
    new = {
        mode: await _new(search(mode), None if mode == "lexical" else encoder, place)
        for place, mode in enumerate(_MODES)
    }
    _report(num_items, taken, new)


async def _timed(ask: Callable[[str], Awaitable[Answer]], asked: str) -> float:
    start = time.perf_counter()
    msgspec.json.encode(await ask(asked))
    return 1e3 * (time.perf_counter() - start)


async def _new(search: Callable[[str], Awaitable[Answer]], encoder: _Encoder | None, seed: int) -> list[float]:
    """Milliseconds of each new text, without those of its `encoder` where it has one."""
    texts = _texts(_NEW_TEXTS, seed=100 + seed)
    took = []
    for text in texts:
        start = time.perf_counter()
        if encoder is not None:
            encoder.encode([text])
        encoding_ms = 1e3 * (time.perf_counter() - start)
        took.append(await _timed(search, text) - encoding_ms)
    return took


def _texts(num: int, seed: int) -> list[str]:
    dice = np.random.default_rng(seed)
    return [f"{_words(dice, _WORDS_A_QUERY)} w{dice.integers(_WORDS)}" for _ in range(num)]


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
