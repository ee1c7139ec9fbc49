"""The backend `embedded`: Qdrant's engine in the process, with its shards beside the releases in the data folder."""

import sys

from indexing.settings import IndexingSettings
from indexing.stores.contract import VectorStore
from indexing.stores.edge import EdgeStore
from indexing.stores.edge_subprocess import SubprocessEdgeStore


class EmbeddedBackend:
    """Where the settings name nothing else."""

    name = "embedded"

    def is_meant(self, settings: IndexingSettings) -> bool:
        """As StoreBackend."""
        return settings.qdrant_url is None

    def warnings(self, settings: IndexingSettings) -> list[str]:  # noqa: ARG002  # as StoreBackend
        """As StoreBackend: nothing."""
        return []

    def open(self, settings: IndexingSettings, state_id: str | None = None) -> VectorStore:  # noqa: ARG002  # a folder has one state
        """As StoreBackend; what it creates is written by a process of its own, where that ends with this one."""
        store = SubprocessEdgeStore if sys.platform == "linux" else EdgeStore
        return store(settings.data_dir / "releases")
