"""Releases of made-up items with a 64-d tower and 384-d texts, and what a process that opens one takes of memory.

Its memory is told by a process of its own, `python -m benchmarks.sizing.world engine|worker|encoder FOLDER`, in which
nothing else was done before.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.json import encode as encode_json

from benchmarks.build.world import LISTENS_PER_USER, TEXT_DIMS, make_world
from benchmarks.floor.apps import PLAN
from benchmarks.harness.asking import asks
from benchmarks.harness.opened_world import CONTEXT, FOLDER, LIMIT, opened
from benchmarks.harness.world import PlantedEncoder
from embedding.progress import Reporter
from embedding.settings import EncoderPlace
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.releases.releases import Releases
from indexing.rules.reading import DEFAULT_RULES
from indexing.search import allowed_rows
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from indexing.stores.hnsw import HnswSettings
from service.main import open_dependencies
from service.schemas.requests import RecommendRequest, Seed, SimilarRequest
from service.schemas.settings import Settings

_QUERIES = 200


class Memory(Struct, frozen=True):
    """Bytes of a process: its own, and those of files that it shares with every other that maps them."""

    own: int
    files: int


def build_sized(folder: Path, num_items: int) -> Path:
    """The folder of a live release of `num_items` in `folder`; one that is there is used again."""
    done = folder / "sized.json"
    if not done.exists():
        _build(folder, num_items)
        done.write_text(json.dumps({"items": num_items}))
    (release,) = (path for path in (folder / "releases").iterdir() if (path / "manifest.json").exists())
    return release


def on_disk(folder: Path) -> int:
    """Bytes that all files below a folder take."""
    # Files of the engine are made larger than what is in them: blocks tell what they take.
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _build(folder: Path, num_items: int) -> None:
    make_world(folder, num_items, text=True)
    encoder = PlantedEncoder(TEXT_DIMS)
    # A small release has no graph where a large one does: it would cost less an item.
    store = EdgeStore(folder / "releases", HnswSettings(indexing_threshold_kb=1))
    shop = BuildDependencies(
        data_dir=folder,
        store=store,
        state=FilesState(folder),
        texts=CachedText(encoder, VectorCache(folder / "cache", encoder.hash, TEXT_DIMS)),
        rules=DEFAULT_RULES,
        max_reject_share=0.0,
        reporter=Reporter("bar"),
    )

    async def build() -> None:
        inputs = BuildInputs(
            catalogue=folder / "catalogue.jsonl",
            model=folder / "model",
            interactions=folder / "interactions.jsonl",
        )
        manifest = await build_release(inputs, shop)
        await Releases(folder, store, FilesState(folder)).activate(manifest.id)
        await store.close()

    asyncio.run(build())


def _memory() -> Memory:
    sizes = dict.fromkeys(("Rss", "Anonymous"), 0)
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) * 1024
    return Memory(sizes["Anonymous"], sizes["Rss"] - sizes["Anonymous"])


def _engine() -> Callable[[], object]:
    """The points alone, as a node of a server holds them: both graphs are searched, within a filter."""
    store, release, rules = opened()
    where = rules.compile(CONTEXT).prepared

    async def search() -> None:
        for space in release.manifest.dims:
            for row in _spread_rows(len(release.columns)):
                vector = release.columns.vectors(space)[row]
                await store.nearest(release.id, vector, using=space, where=where, limit=LIMIT, params=PLAN)

    asyncio.run(search())
    return lambda: store


def _worker() -> Callable[[], object]:
    """What a worker of the product holds, the text encoder apart, after it has answered."""
    # Copies that a scan keeps side by side have a bound of their own, which a small release would not reach.
    allowed_rows._KEPT_BYTES = allowed_rows._BLOCK_BYTES = 0
    folder = Path(os.environ[FOLDER])
    parts = open_dependencies(
        Settings(data_dir=folder, encoder=EncoderPlace(folder / "none"), default_market=CONTEXT.market)
    )
    ask = asks(parts, parts.live)

    async def answer() -> None:
        await parts.store.open(parts.live.release.id)
        for row in _spread_rows(len(parts.live.release.columns)):
            encode_json(await ask(SimilarRequest(seeds=(Seed(f"item:{row}"),), limit=LIMIT)))
            encode_json(await ask(RecommendRequest(user_id=f"user:{row // LISTENS_PER_USER}")))

    asyncio.run(answer())
    return lambda: parts


def _encoder() -> Callable[[], object]:
    """The packaged text encoder and the library that runs it."""
    from embedding.text.encoder_folder import find_encoder
    from embedding.text.sentence_encoder import SentenceEncoder

    encoder = SentenceEncoder.load(find_encoder(None))
    encoder.encode(["a text"])
    return lambda: encoder


def _spread_rows(num_rows: int) -> list[int]:
    return [int(row) for row in np.linspace(0, num_rows - 1, _QUERIES)]


if __name__ == "__main__":
    os.environ[FOLDER] = sys.argv[2]
    before = _memory()
    keep = {"engine": _engine, "worker": _worker, "encoder": _encoder}[sys.argv[1]]()
    after = _memory()
    print(encode_json({"own": after.own - before.own, "files": after.files - before.files}).decode())
