"""What passages of long texts add: bytes each, time of a build, time of a query by them.

    python -m benchmarks.passages [--items 2000] [--folder F]

Two embedded releases of the same made-up rows, the text of each some 6,000 bytes long or left out, and one of a quarter
of the rows: bytes are the difference over the difference. Vectors are planted, so that nothing is said of encoding:
that is by the text (`benchmarks.encoding`), and a passage is one.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness.opened_world import CONTEXT, LIMIT
from benchmarks.harness.world import PlantedEncoder, rows
from benchmarks.sizing.world import on_disk
from embedding.progress import Reporter
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.release.manifest import Manifest
from indexing.release.passages import PASSAGES
from indexing.releases.releases import Releases
from indexing.rules.compiled import HardRules
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.reading import DEFAULT_RULES
from indexing.search.finder import Finder
from indexing.state.files import FilesState
from indexing.stores.contract import POINTS
from indexing.stores.edge import EdgeStore
from indexing.stores.hnsw import HnswSettings

DIMS = 384
_SAID = "What was said here fills some sixty bytes and then comes to its end. "
_QUERIES = 200


def main() -> None:
    """Parse the command line and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="where the made-up releases are built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="nearfield-passages-"))
    few, many = arguments.items // 4, arguments.items
    small, _ = _built(folder / "small", few, spoken=True)
    _, silent_s = _built(folder / "silent", many, spoken=False)
    large, large_s = _built(folder / "large", many, spoken=True)
    more = large.counts.passages - small.counts.passages
    kept = {
        where: (_bytes(folder / "large", large, where) - _bytes(folder / "small", small, where)) / more
        for where in (f"{POINTS}.{PASSAGES}", PASSAGES)
    }
    print(f"{many:,} rows with {large.counts.passages:,} passages of {DIMS} dims, embedded:")
    print(
        f"  a passage takes {kept[f'{POINTS}.{PASSAGES}']:,.0f} bytes of points and {kept[PASSAGES]:,.0f} of the folder"
    )
    print(f"  building: {silent_s:.1f} s without, {large_s:.1f} s with, vectors from the cache")
    for using, p50_ms, p99_ms in asyncio.run(_asked(folder / "large", large)):
        print(f"  a query by {using}: p50 {p50_ms:.3f} ms, p99 {p99_ms:.3f} ms")


def _built(folder: Path, num_items: int, *, spoken: bool) -> tuple[Manifest, float]:
    """A release, and the seconds of its build with every vector in the cache."""
    folder.mkdir(parents=True)
    catalogue = folder / "catalogue.jsonl"
    with catalogue.open("w") as file:
        for row in _with_text(rows(num_items)) if spoken else rows(num_items):
            file.write(json.dumps(row) + "\n")
    encoder = PlantedEncoder(DIMS)
    # As in `benchmarks.sizing`: a graph, however few the points.
    store = EdgeStore(folder / "releases", HnswSettings(indexing_threshold_kb=1))
    shop = BuildDependencies(
        data_dir=folder,
        store=store,
        state=FilesState(folder),
        texts=CachedText(encoder, VectorCache(folder / "cache", encoder.hash, DIMS)),
        rules=DEFAULT_RULES,
        max_reject_share=0.0,
        reporter=Reporter("none"),
    )

    async def build() -> tuple[Manifest, float]:
        await build_release(BuildInputs(catalogue=catalogue), shop)
        start = time.perf_counter()
        manifest = await build_release(BuildInputs(catalogue=catalogue), shop)
        took_s = time.perf_counter() - start
        await store.close()
        return manifest, took_s

    return asyncio.run(build())


def _with_text(plain: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    return ({**row, "text": _SAID * (60 + 60 * number % 61)} for number, row in enumerate(plain))


def _bytes(folder: Path, manifest: Manifest, part: str) -> int:
    return on_disk(folder / "releases" / manifest.id / part)


async def _asked(folder: Path, manifest: Manifest) -> list[tuple[str, float, float]]:
    store = EdgeStore(folder / "releases")
    release = Releases(folder, store, FilesState(folder)).open(manifest.id)
    await release.check_collection(store)
    rules = HardRules(RuleSet(), rules_version(RuleSet()), release.classes, store.prepare, release.share)
    finder = Finder.of_release(store, release, rules.version)
    compiled = rules.compile(CONTEXT)
    queries = release.columns.vectors("text")[:_QUERIES]
    found = []
    for using in ("text", PASSAGES):
        times_ms = []
        for query in (queries[0], *queries):
            start = time.perf_counter()
            await finder.nearest(query, using=using, compiled=compiled, limit=LIMIT)
            times_ms.append(1_000 * (time.perf_counter() - start))
        found.append((using, float(np.median(times_ms[1:])), float(np.quantile(times_ms[1:], 0.99))))
    await store.close()
    return found


if __name__ == "__main__":
    main()
