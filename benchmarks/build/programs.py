"""The two programs that `benchmarks.build` runs by turns over the same made-up world.

python -m benchmarks.build.programs product|bare FOLDER text|no-text
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import qdrant_edge as edge
from msgspec import Struct

from benchmarks.build.world import TEXT_DIMS
from benchmarks.harness.world import PlantedEncoder
from embedding.progress import Advance, Reporter
from embedding.text.text_vectors import CachedText, NoText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.columns.columns import Columns
from indexing.payload.payload import INDEXED_FIELDS, engine_payload
from indexing.rules.reading import DEFAULT_RULES
from indexing.state.files import FilesState
from indexing.stores.contract import CollectionSchema
from indexing.stores.edge import _INDEXES, EdgeStore
from indexing.stores.edge_subprocess import SubprocessEdgeStore
from indexing.words.bm25 import BM25

# The data folder of the product's last build.
BUILT = "built"
_CHUNK = 500
# What the product does before and while it writes points.
_WRITING = ("hash inputs", "read catalogue", "read interactions", "write points")


class Seconds(Struct, frozen=True):
    """Until all points were written, and until all was done."""

    writing: float
    whole: float


class _Clock(Reporter):
    """Adds up how long the stages take that write points."""

    def __init__(self) -> None:
        super().__init__("none")
        self.writing_s = 0.0

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        began = time.perf_counter()
        with super().stage(name, total) as advance:
            yield advance
        if name in _WRITING:
            self.writing_s += time.perf_counter() - began


def _build(folder: Path, data_dir: Path, reporter: Reporter, *, text: bool) -> Path:
    encoder = PlantedEncoder(TEXT_DIMS)
    store = SubprocessEdgeStore(data_dir / "releases")

    async def build() -> Path:
        with VectorCache(folder / "cache", encoder.hash, TEXT_DIMS) as cache:
            shop = BuildDependencies(
                data_dir=data_dir,
                store=store,
                state=FilesState(data_dir),
                texts=CachedText(encoder, cache) if text else NoText(),
                rules=DEFAULT_RULES,
                max_reject_share=0.0,
                reporter=reporter,
            )
            inputs = BuildInputs(
                catalogue=folder / "catalogue.jsonl",
                model=folder / "model",
                interactions=folder / "interactions.jsonl",
            )
            manifest = await build_release(inputs, shop)
        await store.close()
        return data_dir / "releases" / manifest.id

    return asyncio.run(build())


def keep_points(folder: Path) -> None:
    """What the bare loop writes, from the product's last build, unless it is there already: the vectors as arrays, and
    the fields that the engine indexes, chunk by chunk."""
    if (folder / "points").exists():
        return
    (release,) = (path.parent for path in (folder / BUILT / "releases").glob("*/manifest.json"))
    columns = Columns(release / "columns")
    unfinished = folder / "points.unfinished"
    unfinished.mkdir(exist_ok=True)
    for name in ("tower", "text", "words_ends", "words_indices", "words_values"):
        path = release / "columns" / f"{name}.npy"
        if path.exists():
            shutil.copy(path, unfinished / path.name)
    with (unfinished / "payload.msgpack").open("wb") as file:
        for start in range(0, len(columns), _CHUNK):
            chunk = range(start, min(start + _CHUNK, len(columns)))
            data = msgspec.msgpack.encode([engine_payload(columns.payload(row)) for row in chunk])
            file.write(len(data).to_bytes(8, "little") + data)
    unfinished.rename(folder / "points")


def _product(folder: Path, *, text: bool) -> tuple[float, float]:
    clock = _Clock()
    shutil.rmtree(folder / BUILT, ignore_errors=True)
    began = time.perf_counter()
    _build(folder, folder / BUILT, clock, text=text)
    return clock.writing_s, time.perf_counter() - began


def _bare(folder: Path) -> tuple[float, float]:
    points = folder / "points"
    vectors = {path.stem: np.load(path, mmap_mode="r") for path in sorted(points.glob("t*.npy"))}
    ends, indices, values = (
        np.load(points / f"words_{name}.npy", mmap_mode="r") for name in ("ends", "indices", "values")
    )
    with tempfile.TemporaryDirectory(dir=folder) as target:
        began = time.perf_counter()
        config = EdgeStore(Path(target))._config(
            CollectionSchema({space: matrix.shape[1] for space, matrix in vectors.items()}, (BM25,))
        )
        shard = edge.EdgeShard.create(target, config)
        for field, field_type in INDEXED_FIELDS.items():
            shard.update(edge.UpdateOperation.create_field_index(field, _INDEXES[field_type]))
        start, names = 0, (*vectors, BM25)
        with (points / "payload.msgpack").open("rb") as file:
            while header := file.read(8):
                payloads = msgspec.msgpack.decode(file.read(int.from_bytes(header, "little")))
                part = slice(start, start + len(payloads))
                columns = [matrix[part].tolist() for matrix in vectors.values()]
                columns.append(
                    [
                        edge.SparseVector(indices[begin:end].tolist(), values[begin:end].tolist())
                        for begin, end in pairwise(ends[start : start + len(payloads) + 1].tolist())
                    ]
                )
                chunk = [
                    edge.Point(start + place, dict(zip(names, of_point, strict=True)), payload)
                    for place, (payload, *of_point) in enumerate(zip(payloads, *columns, strict=True))
                ]
                shard.update(edge.UpdateOperation.upsert_points(chunk))
                start += len(payloads)
        writing_s = time.perf_counter() - began
        while shard.optimize():
            pass
        shard.flush()
        shard.close()
        return writing_s, time.perf_counter() - began


if __name__ == "__main__":
    program, world = sys.argv[1], Path(sys.argv[2])
    writing_s, whole_s = _product(world, text=sys.argv[3] == "text") if program == "product" else _bare(world)
    print(msgspec.json.encode(Seconds(writing_s, whole_s)).decode())
