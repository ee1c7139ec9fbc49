"""A small catalogue, its listens and two models, written once; and builds of releases from them on any store."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from embedding.data.train_config import Feature, TrainConfig
from embedding.progress import Reporter
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Interaction, Item, Window
from embedding.runs.train import TrainRequest, run_training
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import CachedText
from indexing.building.build import BuildDependencies, BuildInputs
from indexing.rules.reading import DEFAULT_RULES
from indexing.state.contract import StateStore
from indexing.state.files import FilesState
from indexing.stores.contract import VectorStore
from indexing.stores.edge import EdgeStore
from tests.copied_folders import copied

Make = Callable[[], Awaitable[str]]
NUM_ITEMS = 90
QUIET = Reporter("none")
SUBJECTS = ("jazz piano at night", "heavy metal guitars", "true crime trials", "bread and pasta recipes", "the planets")


def make_items() -> list[Item]:
    """Items of five subjects, in two kinds, some of them only in Sweden."""
    return [
        Item(
            id=f"item-{number}",
            kind="track" if number % 3 else "episode",
            title=f"Number {number}",
            creator=f"Maker {number % 7}",
            text=SUBJECTS[number % len(SUBJECTS)],
            availability=(Window("SE"),) if number % 4 == 0 else (Window("*"),),
        )
        for number in range(NUM_ITEMS)
    ]


def make_interactions() -> list[Interaction]:
    """Thirty listeners of one subject each."""
    return [
        Interaction(f"user-{user}", f"item-{(user % 5 + 5 * (step * 3 + user)) % NUM_ITEMS}", float(step))
        for user in range(30)
        for step in range(8)
    ]


class Source:
    """Files that releases are built from, below `folder`."""

    def __init__(self, folder: Path, texts: CachedText, cache_dir: Path) -> None:
        self.cache_dir = cache_dir
        self.folder = folder
        self._first_builds: dict[object, tuple[str, Path]] = {}
        self.catalogue = folder / "catalogue.jsonl"
        self.interactions = folder / "interactions.jsonl"
        self.texts = texts
        with RowFiles(folder) as files:
            files.write_items(self.catalogue.name, make_items())
            files.write_interactions(self.interactions.name, make_interactions())
        self.model = self.train(folder / "model", seed=1)
        self.other_model = self.train(folder / "other-model", seed=2)

    def train(self, out: Path, seed: int, features: tuple[Feature, ...] = ("id", "creators")) -> Path:
        """A model of these files, in the folder `out`."""
        config = TrainConfig(dims=16, epochs=2, batch_size=64, features=features, seed=seed)
        request = TrainRequest(
            catalogue=self.catalogue, interactions=self.interactions, out=out, split="none", config=config
        )
        run_training(request, EmbeddingSettings(data_dir=out.parent), lambda _: self.texts.encoder, QUIET)
        return out

    async def first_build(self, key: object, data_dir: Path, store: VectorStore, make: Make) -> str:
        """What `make` builds in an empty data folder: built once for each `key`, and copied for all who come later.

        Only embedded, where a release is all there is in the folder.
        """
        if not isinstance(store, EdgeStore) or data_dir.exists():
            return await make()
        if key in self._first_builds:
            release_id, kept = self._first_builds[key]
            copied(kept, data_dir)
            await store.open(release_id)
            return release_id
        release_id = await make()
        kept = copied(data_dir, self.folder / f"first-build-{len(self._first_builds)}")
        self._first_builds[key] = release_id, kept
        return release_id

    def inputs(self, *, with_model: bool = True) -> BuildInputs:
        """All of the files, or without model."""
        return BuildInputs(
            catalogue=self.catalogue, model=self.model if with_model else None, interactions=self.interactions
        )

    def dependencies(
        self, data_dir: Path, store: VectorStore, reporter: Reporter = QUIET, state: StateStore | None = None
    ) -> BuildDependencies:
        """What a build in `data_dir` works with."""
        return BuildDependencies(
            data_dir=data_dir,
            store=store,
            state=state or FilesState(data_dir),
            texts=self.texts,
            rules=DEFAULT_RULES,
            max_reject_share=0.01,
            reporter=reporter,
        )


def edited(source: Path, target: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """A copy of a JSON Lines file with each row changed."""
    rows = [msgspec.json.decode(line) for line in source.read_bytes().splitlines()]
    for row in rows:
        change(row)
    target.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    return target
