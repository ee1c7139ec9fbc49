"""Every store through one contract, one that is made of a few lines here among them; and how a backend is found."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedding.registry import Registry
from indexing.errors import StoreError
from indexing.settings import IndexingSettings
from indexing.stores.contract import PointBatch, VectorStore
from indexing.stores.hnsw import HnswSettings
from indexing.stores.open import BACKENDS, backend_of, open_store
from indexing.words.sparse import SparseRows
from tests.indexing.kinds_of_store import SERVER_URL, EmbeddedStores, stores_of
from tests.indexing.made_points import JAZZ, OLD, PAYLOADS, points_of
from tests.indexing.stores.contract import StoreContract, Stores
from tests.indexing.stores.made_words import made_words
from tests.indexing.stores.numpy_backend import NumpyBackend, NumpyStore
from tests.indexing.stores.verification_contract import VerificationContract


class TestEmbedded(StoreContract, VerificationContract):
    @pytest.fixture
    def stores(self, data_dir: Path) -> Stores:
        return EmbeddedStores(data_dir)


class TestMemory(StoreContract, VerificationContract):
    """The server's store over the official client's memory mode."""

    @pytest.fixture
    def stores(self, data_dir: Path) -> Iterator[Stores]:
        with stores_of("memory", data_dir) as world:
            yield world


if SERVER_URL:

    class TestServer(StoreContract, VerificationContract):
        @pytest.fixture
        def stores(self, data_dir: Path) -> Iterator[Stores]:
            with stores_of("server", data_dir) as world:
                yield world


WITH_NUMPY = Registry("store backend", (NumpyBackend(), *BACKENDS))


class NumpyStores:
    """A world of the backend that the tests add to the list."""

    def __init__(self, name: str) -> None:
        self._settings = IndexingSettings(qdrant_url=f"numpy:{name}")

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        del hnsw
        return open_store(self._settings, backends=WITH_NUMPY)


class TestNumpy(StoreContract, VerificationContract):
    @pytest.fixture
    def stores(self, data_dir: Path) -> Stores:
        return NumpyStores(str(data_dir))


def test_a_backend_is_found_by_the_settings_and_by_its_name() -> None:
    server = IndexingSettings(qdrant_url="http://127.0.0.1:6333")
    assert backend_of(IndexingSettings()) is BACKENDS["embedded"]
    assert backend_of(server) is BACKENDS["server"]
    assert backend_of(IndexingSettings(), WITH_NUMPY) is BACKENDS["embedded"]
    assert backend_of(server, WITH_NUMPY) is BACKENDS["server"]
    assert isinstance(NumpyStores("").open(), NumpyStore)
    assert WITH_NUMPY.names == ("numpy", *BACKENDS.names)


def test_a_batch_is_whole_and_finite() -> None:
    points = points_of(PAYLOADS)
    with pytest.raises(StoreError, match=r"4 rows came with .*'payloads': 3"):
        PointBatch(points.rows, points.vectors, points.payloads[:3])
    with pytest.raises(StoreError, match="3 rows came"):
        PointBatch(range(3), points.vectors, points.payloads)
    with pytest.raises(StoreError, match=r"4 rows came with .*'bm25': 3"):
        PointBatch(points.rows, points.vectors, points.payloads, {"bm25": SparseRows.of(made_words(3))})
    words = made_words(4)
    words[JAZZ].values[0] = np.inf
    with pytest.raises(StoreError, match="a 'bm25' vector has a value that is not finite"):
        PointBatch(points.rows, points.vectors, points.payloads, {"bm25": SparseRows.of(words)})
    broken = points.vectors["text"].copy()
    broken[OLD, 1] = np.nan
    with pytest.raises(StoreError, match="'text' vector of row 3 has a value that is not finite"):
        PointBatch(points.rows, {"text": broken}, points.payloads)
