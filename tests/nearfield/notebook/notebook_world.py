"""A data folder with a release that was built with a model, and the files that both were made of."""

from pathlib import Path
from typing import NamedTuple

from embedding.data.train_config import TrainConfig
from nearfield.notebook.model import Model
from nearfield.notebook.opening import open as open_place
from nearfield.notebook.release import Release
from tests.service.world import build_world

CONFIG = TrainConfig(
    dims=16, epochs=2, batch_size=128, features=("id", "creators", "kind", "text"), text_query_weight=0.3
)


class World(NamedTuple):
    """`data_dir` has the release `live`; `source` the files."""

    data_dir: Path
    live: str

    @property
    def source(self) -> Path:
        return self.data_dir / "source"

    @property
    def catalogue(self) -> Path:
        return self.source / "catalogue.jsonl"

    @property
    def interactions(self) -> Path:
        return self.source / "interactions.jsonl"

    def release(self, place: str | Path = "live") -> Release:
        release = open_place(place, data_dir=self.data_dir)
        assert isinstance(release, Release)
        return release

    def model(self) -> Model:
        model = open_place(self.source / "model", data_dir=self.data_dir)
        assert isinstance(model, Model)
        return model


def build(folder: Path, *, with_model: bool = True) -> World:
    """Make it in `folder`."""
    return World(folder, build_world(folder, with_model=with_model, config=CONFIG))
