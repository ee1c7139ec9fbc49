"""Which vector store the settings name: a Qdrant server when there is an address, the embedded one otherwise."""

import sys

from indexing.settings import IndexingSettings
from indexing.stores.contract import VectorStore
from indexing.stores.edge import EdgeStore
from indexing.stores.edge_apart import EdgeStoreApart


def open_store(settings: IndexingSettings) -> VectorStore:
    """The store of `settings`; StoreError when its server does not answer, UsageError as `Spread`."""
    if settings.qdrant_url is not None:
        # The client takes .9 s to import, a third of a sync that finds nothing to do: only where there is a server.
        from indexing.stores.open_server import open_server

        return open_server(settings)
    # Elsewhere a process that was left behind would go on writing.
    kind = EdgeStoreApart if sys.platform == "linux" else EdgeStore
    return kind(settings.data_dir / "releases")
