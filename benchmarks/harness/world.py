"""A made-up catalogue with planted vectors, so that a release of any size is built in seconds, not encoded in hours.

Vectors lie around centres, and markets lean towards some centres, so that filters correlate with the vectors, as
real licences do. Every row goes through the product's own build.
"""

import asyncio
import hashlib
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.release.manifest import Manifest
from indexing.releases.releases import Releases
from indexing.rules.reading import DEFAULT_RULES
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.files import FilesState
from indexing.state.open_both import open_both
from indexing.stores.contract import VectorStore
from indexing.stores.edge import EdgeStore

MARKETS = ("SE", "GB", "US", "DE", "BR", "JP", "FR", "IT", "ES", "NL", "PL", "MX")
# 2026-07-01T00:00:00Z: the moment at which every benchmark asks.
NOW_S = 1_782_864_000
NUM_CENTRES = 200
NUM_USERS = 2_000
# Of a user, out of as many centres.
_LISTENS, _CENTRES = 50, 3
SPREAD = 0.9


class PlantedEncoder:
    """Turns the text `centre-<c> item-<n>` of a planted item into its planted unit vector."""

    def __init__(self, dims: int, shares: NDArray[np.float64] | None = None) -> None:
        """`shares` (dims,): what part of all squares each component has; None for the same."""
        self.dims = dims
        told = "" if shares is None else f" {hashlib.sha256(shares.tobytes()).hexdigest()}"
        self.hash = hashlib.sha256(f"planted {dims} {NUM_CENTRES} {SPREAD}{told}".encode()).hexdigest()
        self._scales = np.ones(dims) if shares is None else np.sqrt(dims * shares)
        centres = np.random.default_rng(0).normal(size=(NUM_CENTRES, dims)) * self._scales
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims)."""
        vectors = np.empty((len(texts), self.dims), dtype=np.float32)
        for row, text in enumerate(texts):
            centre, number = (int(word.rsplit("-", 1)[1]) for word in text.split("\n", 1)[0].split()[:2])
            noise = np.random.default_rng(number).normal(size=self.dims) * SPREAD / np.sqrt(self.dims)
            vectors[row] = self._centres[centre] + noise * self._scales
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims), those of documents."""
        return self.encode(texts)


def rows(num_items: int) -> Iterator[dict[str, object]]:
    """Catalogue rows: some 500 availability lists, a fifth explicit, a tenth not known."""
    dice = random.Random(7)
    lists = [_availability(dice) for _ in range(500)]
    for number in range(num_items):
        centre = dice.randrange(NUM_CENTRES)
        # Half of a centre's items share ten lists: licences follow labels, and labels follow taste.
        pick = centre * 10 + dice.randrange(10) if dice.random() < 0.5 else dice.randrange(len(lists))
        row: dict[str, object] = {
            "id": f"item:{number}",
            "kind": "track" if dice.random() < 0.7 else "episode",
            "title": f"centre-{centre} item-{number}",
            "creator": f"Creator {dice.randrange(num_items // 20 + 1)}",
            "language": dice.choice(("en", "sv", "de", "pt-BR", "ja")),
            "duration_s": dice.randrange(60, 4000),
            "availability": lists[pick % len(lists)],
        }
        roll = dice.random()
        if roll < 0.9:
            row["explicit"] = roll < 0.2
        yield row


def listens(centres: Sequence[Sequence[str]]) -> Iterator[dict[str, object]]:
    """Interaction rows of `user:0`, `user:1`, …: each hears items of a few centres, none twice."""
    dice = random.Random(11)
    for user in range(NUM_USERS):
        near = [item for centre in dice.sample(centres, min(_CENTRES, len(centres))) for item in centre]
        for item in dice.sample(near, min(_LISTENS, len(near))):
            yield {"user_id": f"user:{user}", "item_id": item}


def _availability(dice: random.Random) -> list[dict[str, str]]:
    if dice.random() < 0.2:
        return [{"market": "*"}]
    windows = []
    for market in dice.sample(MARKETS, dice.randrange(4, len(MARKETS) + 1)):
        window = {"market": market, "from": f"20{dice.randrange(10, 26)}-01-01"}
        if dice.random() < 0.3:
            window["until"] = f"20{dice.randrange(26, 30)}-{dice.randrange(1, 13):02}-01"
        windows.append(window)
    return windows


def build_world(
    folder: Path,
    num_items: int,
    encoder: PlantedEncoder,
    make_rows: Callable[[int], Iterator[dict[str, object]]] = rows,
) -> Manifest:
    """Build and activate a release of planted items in `folder`; one that is there already is used again."""
    done = folder / "world.json"
    store, state = EdgeStore(folder / "releases"), FilesState(folder)
    if done.exists():
        live = asyncio.run(state.live())
        readable = {manifest.id: manifest for manifest in Releases(folder, store, state).manifests()}
        if live not in readable:
            sys.exit(f"{folder} was made by another version, which this one does not read; remove it, and run again")
        if readable[live].encoder_hash != encoder.hash:
            sys.exit(f"{folder} has the vectors of another planted encoder; remove it, and run again")
        return readable[live]
    manifest = asyncio.run(_built(folder, num_items, encoder, make_rows, store, state))
    done.write_text(json.dumps({"items": num_items, "dims": encoder.dims}))
    return manifest


async def build_world_in(settings: IndexingSettings, num_items: int, encoder: PlantedEncoder) -> Manifest:
    """Build and activate the release of `build_world` where `settings` say; there must be none yet."""
    state, store = await open_both(settings)
    try:
        return await _built(settings.data_dir, num_items, encoder, rows, store, state)
    finally:
        await state.close()


async def _built(
    folder: Path,
    num_items: int,
    encoder: PlantedEncoder,
    make_rows: Callable[[int], Iterator[dict[str, object]]],
    store: VectorStore,
    state: StateStore,
) -> Manifest:
    """A release of planted items in `folder`, live; `store` is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, interactions = folder / "catalogue.jsonl", folder / "interactions.jsonl"
    of_centre: dict[str, list[str]] = {}
    with catalogue.open("w") as file:
        for row in make_rows(num_items):
            of_centre.setdefault(str(row["title"]).split()[0], []).append(str(row["id"]))
            file.write(json.dumps(row) + "\n")
    with interactions.open("w") as file:
        for listen in listens(list(of_centre.values())):
            file.write(json.dumps(listen) + "\n")
    shop = BuildDependencies(
        data_dir=folder,
        store=store,
        state=state,
        texts=CachedText(encoder, VectorCache(folder / "cache", encoder.hash, encoder.dims)),
        rules=DEFAULT_RULES,
        max_reject_share=0.0,
        reporter=Reporter("bar"),
    )
    manifest = await build_release(BuildInputs(catalogue=catalogue, interactions=interactions), shop)
    await Releases(folder, store, state).activate(manifest.id)
    await store.close()
    return manifest
