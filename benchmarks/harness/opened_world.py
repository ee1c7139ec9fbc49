"""A made-up world opened as the product opens a release, with what every benchmark asks of it.

The towers are fresh from their initialisation: what a forward costs does not depend on training.
"""

import asyncio
import os
import time
from pathlib import Path

import torch

from benchmarks.harness.world import NOW_S, PlantedEncoder, build_world
from embedding.data.split import Split
from embedding.data.train_config import TrainConfig
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.model import Towers
from embedding.towers.model_folder import ModelCounts, ModelManifest
from embedding.towers.query_tower import QueryTower
from embedding.towers.vocabulary import Vocabulary
from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.releases.releases import Releases
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.state.file_rules import AcceptedRules
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from service.changes.following import LookingFollower
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import Cursors
from service.ranking.encoder_gate import EncoderGate
from service.schemas.settings import Settings

# The variable that tells a process in which folder its world lies.
FOLDER = "BENCHMARK_WORLD"
LIMIT = 20
CONTEXT = RequestContext(market="SE", at_s=NOW_S, explicit=False)


def opened_world(folder: Path, num_items: int, dims: int) -> Dependencies:
    """What the product's application is made of, over the world in `folder`, built if it is not there."""
    build_world(folder, num_items, PlantedEncoder(dims))
    os.environ[FOLDER] = str(folder)
    return parts_of_world()


def opened() -> tuple[EdgeStore, Release, HardRules]:
    """Store, live release and rules of the world."""
    folder = Path(os.environ[FOLDER])
    store = EdgeStore(folder / "releases")
    releases = Releases(folder, store, FilesState(folder))
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        release = releases.open(runner.run(releases.live_id()))
        runner.run(store.open(release.id))
    version, ruleset = AcceptedRules(folder / "rules").current()
    return store, release, HardRules(ruleset, version, release.classes, store.prepare, release.share)


def planted_tower(dims: int) -> Towers:
    """Towers fresh from their initialisation, over the planted vectors: what a forward costs does not depend on
    training, and their start vector is short beside a history."""
    torch.manual_seed(0)
    manifest = ModelManifest(
        dims=dims,
        encoder_hash=None,
        text_dims=0,
        input_fields=(),
        config=TrainConfig(dims=dims),
        split=Split(name="none"),
        fingerprint="",
        counts=ModelCounts(items=0, users=0, pairs=0, skips=0),
        crossing=(("track", "episode"),),
        device="cpu",
        libraries={},
    )
    return Towers(manifest, Vocabulary.learn([], ("id",), {}), CandidateTower(0, {}, 0, dims), QueryTower(dims))


def parts_of_world() -> Dependencies:
    """What the product's application is made of, over the world."""
    store, release, rules = opened()
    live = LoadedRelease(
        release=release,
        rows=CurrentRows(release),
        rules=rules,
        tower=planted_tower(release.manifest.dims["text"]),
    )
    encoder, state = PlantedEncoder(release.manifest.dims["text"]), FilesState(Path(os.environ[FOLDER]))
    return Dependencies(
        settings=Settings(data_dir=Path(os.environ[FOLDER])),
        store=store,
        live=live,
        held={release.id: live},
        releases=Releases(Path(os.environ[FOLDER]), store, state),
        encoder=EncoderGate(lambda: encoder, 30.0),
        cursors=Cursors(b"benchmark", 900),
        now=time.time,
        state=state,
        follow=lambda held: LookingFollower(held, state),
        activate=_refuse,
        compact=_refuse,
        make_puts=lambda _items, _live, _encoder: [],
    )


async def _refuse(*_: object) -> str:
    return "a benchmark serves one release"
