"""The backend `server`: a Qdrant server, where the settings have its address."""

from indexing.settings import IndexingSettings
from indexing.stores.contract import VectorStore


class ServerBackend:
    """The server at `qdrant_url`."""

    name = "server"

    def is_meant(self, settings: IndexingSettings) -> bool:
        """As StoreBackend."""
        return settings.qdrant_url is not None

    def warnings(self, settings: IndexingSettings) -> list[str]:
        """As StoreBackend: addresses that do not answer, a key that can be read on the way."""
        from indexing.stores.server_connection import warnings_of

        return warnings_of(settings)

    def open(self, settings: IndexingSettings, state_id: str | None = None) -> VectorStore:
        """As StoreBackend."""
        # The client takes .9 s to import, a third of a sync that finds nothing to do: only where there is a server.
        from indexing.stores.server_connection import open_server

        return open_server(settings, state_id)
