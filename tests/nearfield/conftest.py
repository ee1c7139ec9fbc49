"""What the tests of notebooks share: one data folder, never changed, with its encoder loaded once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from embedding.text.encoder_folder import hash_folder
from embedding.text.sentence_encoder import SentenceEncoder
from tests.copied_folders import copied
from tests.nearfield.notebook.notebook_world import World, build


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedding.text.encoder_folder.hash_folder", cache(hash_folder))
        patch.setattr(SentenceEncoder, "load", cache(SentenceEncoder.load))
        yield build(tmp_path_factory.mktemp("notebook") / "data")


@pytest.fixture
def own_world(world: World, tmp_path: Path) -> World:
    """A copy that a test may change."""
    return World(copied(world.data_dir, tmp_path / "data"), world.live)
