"""What a store backend is: a kind of vector store, with its name and the settings by which it is chosen and opened."""

from typing import Protocol

from indexing.settings import IndexingSettings
from indexing.stores.contract import VectorStore


class StoreBackend(Protocol):
    """One kind of vector store. What only it needs is imported when it opens, where that takes long."""

    @property
    def name(self) -> str:
        """What it is called."""

    def is_meant(self, settings: IndexingSettings) -> bool:
        """Whether the settings ask for it."""

    def warnings(self, settings: IndexingSettings) -> list[str]:
        """What a person should be told when a service starts: it can be used, and not all is as it should be."""

    def open(self, settings: IndexingSettings, state_id: str | None = None) -> VectorStore:
        """The store of the settings for the state of that id, which its user closes; StoreError when it cannot be
        reached."""
