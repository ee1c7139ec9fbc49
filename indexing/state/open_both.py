"""The state and the vector store of the settings, opened together: they must belong to one another."""

from indexing.errors import StateError
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.open import open_state
from indexing.stores.contract import VectorStore
from indexing.stores.open import open_store


async def open_both(settings: IndexingSettings) -> tuple[StateStore, VectorStore]:
    """Both, which their user closes, for the loop that runs.

    StateError where an older Nearfield keeps a journal on the server that was not moved, and what opening each raises.
    """
    state = open_state(settings)
    if settings.qdrant_url is None:
        return state, open_store(settings)
    try:
        store = open_store(settings, await state.id())
        try:
            await _refuse_old_journal(store)
        except BaseException:
            await store.close()
            raise
    except BaseException:
        await state.close()
        raise
    return state, store


async def _refuse_old_journal(store: VectorStore) -> None:
    # The client takes .9 s to import: only where there is a server.
    from indexing.state.old_server_log import unmoved_frames
    from indexing.stores.server import ServerStore

    assert isinstance(store, ServerStore), "a store on a server is one of these"
    left = await unmoved_frames(store)
    if left:
        raise StateError(
            f"an older Nearfield kept its journal on the vector store, and {left} of its changes were not moved: "
            "takedowns among them would be shown again. Stop the old services, then run `nearfield state move qdrant`."
        )
