"""The small world of tests/service/world.py, built once with a model and once without, and served in this process."""

import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from embedding.text.encoder_folder import hash_folder
from embedding.text.sentence_encoder import SentenceEncoder
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.service.world import build_world

Client = TestClient[Litestar]


@pytest.fixture(scope="session", autouse=True)
def encoders_loaded_to_the_end() -> Iterator[None]:
    """A thread that is inside torch when the interpreter ends takes the process with it; workers end by `_exit`."""
    yield
    for thread in threading.enumerate():
        if thread.name == "load-encoder":
            thread.join()


@pytest.fixture(scope="session", autouse=True)
def one_encoder() -> Iterator[None]:
    """An encoder is hashed and loaded once for all tests of a process, which takes half a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedding.text.encoder_folder.hash_folder", cache(hash_folder))
        patch.setattr(SentenceEncoder, "load", cache(SentenceEncoder.load))
        yield


@pytest.fixture(scope="session")
def tower_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the release with a model."""
    folder = tmp_path_factory.mktemp("tower-world")
    build_world(folder, with_model=True)
    return folder


@pytest.fixture(scope="session")
def text_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the release of text only."""
    folder = tmp_path_factory.mktemp("text-world")
    build_world(folder, with_model=False)
    return folder


@pytest.fixture(scope="session")
def client(tower_world: Path) -> Iterator[Client]:
    """Of a service with a model; requests must name their market."""
    with TestClient(create_app(open_dependencies(Settings(data_dir=tower_world)))) as client:
        yield client


@pytest.fixture(scope="session")
def text_client(text_world: Path) -> Iterator[Client]:
    """Of a service without a model, with a default market."""
    with TestClient(create_app(open_dependencies(Settings(data_dir=text_world, default_market="SE")))) as client:
        yield client
