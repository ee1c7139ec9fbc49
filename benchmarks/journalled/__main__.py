"""Throughput of `similar` with a part of the catalogue in the journal, beside an empty journal; recall beside both.

    python -m benchmarks.journalled [--items 100000] [--share 0.01] [--rounds 7]

Two runs: the journal's rows drawn at random, and all of them among the nearest neighbours of the queries, so that every
search meets many of them. In process, without HTTP: rules, search, re-check, merge and the answer's JSON, turn by turn.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.harness.asking import Ask, asks, similar_request
from benchmarks.harness.opened_world import CONTEXT, FOLDER, LIMIT, parts_of_world
from benchmarks.harness.world import PlantedEncoder, build_world
from embedding.rows.schema import Item, Window
from indexing.state.records import Frame, Put
from service.dependencies import Dependencies
from service.schemas.requests import SimilarRequest

DIMS = 64
_SEEDS = 200
_FRAME_ROWS = 100
_REPEATS = 5


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    build_world(folder, arguments.items, PlantedEncoder(DIMS))
    os.environ[FOLDER] = str(folder)
    table = Table(title=f"{arguments.items:,} items, {arguments.share:.1%} of them in the journal, limit {LIMIT}")
    for heading in ("journal's rows", "empty: queries/s", "with: queries/s", "ratio", "recall@10 empty", "with"):
        table.add_column(heading, justify="left" if heading.startswith("journal") else "right")
    num = int(arguments.share * arguments.items)
    for name in ("at random", "near the queries"):
        table.add_row(name, *_measured(name, num, arguments.items, arguments.rounds))
    Console().print(table)


def _measured(name: str, num: int, num_items: int, rounds: int) -> list[str]:
    empty, full = parts_of_world(), parts_of_world()
    rng = np.random.default_rng(3)
    vectors = empty.live.release.columns.vectors("text")
    # Near: so few seeds that their neighbours fill the journal.
    seeds = rng.choice(num_items, min(_SEEDS, max(1, num // LIMIT)), replace=False)
    rows = rng.choice(num_items, num, replace=False) if name == "at random" else _nearest(vectors, seeds, num)
    _journal(full, [int(row) for row in rows], rng)
    asyncio.run(_open(empty, full))
    sides = {"empty": asks(empty, empty.live), "with": asks(full, full.live)}
    requests = [similar_request(int(seed)) for seed in seeds]
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, ask in sides.items():
            taken[side].append(asyncio.run(_asked(ask, requests)))
    ratio = statistics.median(one / other for one, other in zip(taken["empty"], taken["with"], strict=True))
    rates = [f"{len(requests) * _REPEATS / statistics.median(taken[side]):,.0f}" for side in ("empty", "with")]
    recalls = [f"{_recall(parts, ask, seeds):.4f}" for parts, ask in ((empty, sides["empty"]), (full, sides["with"]))]
    return [*rates, f"{ratio:.3f}", *recalls]


async def _open(*sides: Dependencies) -> None:
    for parts in sides:
        await parts.store.open(parts.live.release.id)


async def _asked(ask: Ask, requests: list[SimilarRequest]) -> float:
    start = time.perf_counter()
    for _ in range(_REPEATS):
        for request in requests:
            msgspec.json.encode(await ask(request))
    return time.perf_counter() - start


def _nearest(vectors: np.ndarray, seeds: np.ndarray, num: int) -> list[int]:
    """The `num` rows that are nearest to the seeds, taken in turn; no seed among them."""
    per_seed = -(-2 * num // len(seeds))
    ranked = [np.argsort(-(vectors @ vectors[seed]))[:per_seed] for seed in seeds]
    taken: dict[int, None] = {}
    for place in range(per_seed):
        for ranking in ranked:
            if len(taken) < num and int(ranking[place]) not in set(seeds.tolist()):
                taken[int(ranking[place])] = None
    return list(taken)


def _journal(parts: Dependencies, rows: list[int], rng: np.random.Generator) -> None:
    """Each row again, with its windows as they were and its vector moved a little."""
    release = parts.live.release
    vectors = release.columns.vectors("text")
    puts = []
    for row in rows:
        payload = release.columns.payload(row)
        vector = vectors[row] + 0.05 * rng.normal(size=DIMS).astype(np.float32) / np.sqrt(DIMS)
        vector /= np.linalg.norm(vector)
        item = Item(
            id=payload.id,
            kind=payload.kind,
            title=payload.title,
            creator=payload.creator,
            language=payload.language,
            explicit=None if payload.explicit == 2 else bool(payload.explicit),
            availability=release.classes.windows_of(payload.availability_class) or (Window("*"),),
        )
        puts.append(Put(item, {PlantedEncoder(DIMS).hash: vector.astype("<f4").tobytes()}, {}))
    for seq, start in enumerate(range(0, len(puts), _FRAME_ROWS), start=1):
        parts.live.rows.apply(Frame(seq, "", tuple(puts[start : start + _FRAME_ROWS])))


def _recall(parts: Dependencies, ask: Ask, seeds: np.ndarray) -> float:
    """Part of the exact ten nearest that come, ties counted as found."""
    current = parts.live.rows
    accepts = parts.live.rules.compile(CONTEXT).accepts
    numbers = [row for row in current.rows() if accepts(current.payload(row))]
    vectors = current.vectors("text", np.array(numbers))
    found = 0
    for seed in seeds:
        own = current.row_of(f"item:{int(seed)}")
        scores = vectors @ current.vectors("text", [own])[0]
        scores[[place for place, row in enumerate(numbers) if row == own]] = -1.0
        tenth = np.partition(scores, -10)[-10]
        answer = asyncio.run(ask(replace(similar_request(int(seed)), limit=10)))
        hits = msgspec.json.decode(msgspec.json.encode(answer))["hits"]
        found += sum(hit["score"] >= tenth - 1e-5 for hit in hits)
    return found / (10 * len(seeds))


if __name__ == "__main__":
    main()
