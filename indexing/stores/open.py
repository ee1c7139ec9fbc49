"""All store backends, and which of them the settings mean: a new one is a file beside this and a line here."""

from embedding.registry import Registry
from indexing.settings import IndexingSettings
from indexing.stores.backend import StoreBackend
from indexing.stores.contract import VectorStore
from indexing.stores.embedded_backend import EmbeddedBackend
from indexing.stores.server_backend import ServerBackend

BACKENDS: Registry[StoreBackend] = Registry(
    "store backend",
    (
        EmbeddedBackend(),
        ServerBackend(),
    ),
)


def backend_of(settings: IndexingSettings, backends: Registry[StoreBackend] = BACKENDS) -> StoreBackend:
    """The backend that the settings mean, the first in the list of several."""
    return next(backend for backend in backends if backend.is_meant(settings))


def open_store(
    settings: IndexingSettings, state_id: str | None = None, backends: Registry[StoreBackend] = BACKENDS
) -> VectorStore:
    """The store of `settings`; raises what its backend raises.

    With `state_id` it refuses collections of another state, and marks those that it makes.
    """
    return backend_of(settings, backends).open(settings, state_id)
