"""What the tests of indexing share: the world of collections on each kind of store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedding.text.encoder_folder import DeferredEncoder, find_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from tests.indexing.kinds_of_store import KINDS, Stores, quick_folder, stores_of
from tests.indexing.release_worlds import Source

# What a suite asserts is told as if it stood in the test that subclasses it.
pytest.register_assert_rewrite(
    "tests.indexing.stores.contract",
    "tests.indexing.stores.verification_contract",
    "tests.indexing.search.plans.contract",
    "tests.indexing.state.contract",
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The name of a folder, not made yet, in which shards are made quickly."""
    with quick_folder(tmp_path) as folder:
        yield folder / "data"


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Stores]:
    """An empty world of collections, once for each kind of store; `stores.open()` gives a VectorStore."""
    with stores_of(request.param, data_dir) as world:
        yield world


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """The files that the release tests build from, their texts encoded once by the packaged encoder."""
    cache_dir = tmp_path_factory.mktemp("text-cache")
    encoder = DeferredEncoder(find_encoder(None), SentenceEncoder.load)
    with VectorCache.of(cache_dir, encoder) as cache:
        yield Source(tmp_path_factory.mktemp("source"), CachedText(encoder, cache), cache_dir)
