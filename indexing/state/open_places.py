"""The places that a state can be moved between, as the settings name them."""

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from embedding.errors import UsageError
from indexing.settings import IndexingSettings
from indexing.state.copies import FilesPlace, StatePlace, move, refuse_while_built
from indexing.state.files import FilesState
from indexing.state.open import open_database

if TYPE_CHECKING:
    from indexing.state.postgres import PostgresState


class MovedState(Struct, frozen=True):
    """What was moved, from where to where."""

    source: str
    target: str
    id: str
    end: int
    live: str | None


async def move_from(source: Literal["files", "database", "qdrant"], settings: IndexingSettings) -> MovedState:
    """Bring the state over from `source` to where the settings keep it, or from the database to files.

    Raises UsageError where the settings do not name what is moved, and what `move` raises.
    """
    files = FilesPlace(settings.data_dir)
    database: PostgresState | None = None
    if settings.state_url is not None:
        database = open_database(settings, also_moved=True)
    elif source != "qdrant":
        raise UsageError("state_url: expected the database that the state is moved to or from, it is not set")
    try:
        if source != "database":
            await refuse_while_built(FilesState(settings.data_dir, also_moved=True))
        if database is not None:
            await refuse_while_built(database)
        if source == "qdrant":
            return await _from_server(settings, files if database is None else _place(database), files)
        assert database is not None
        ends: tuple[StatePlace, StatePlace] = (files, _place(database))
        return await _moved(*(ends if source == "files" else reversed(ends)))
    finally:
        if database is not None:
            await database.close()


def _place(database: "PostgresState") -> StatePlace:
    from indexing.state.postgres_copy import PostgresPlace

    return PostgresPlace(database)


async def _from_server(settings: IndexingSettings, target: StatePlace, beside: FilesPlace) -> MovedState:
    if settings.qdrant_url is None:
        raise UsageError("qdrant_url: expected the server that the old journal lies on, it is not set")
    from indexing.state.old_server_log import OldServerPlace
    from indexing.stores.server_connection import open_server

    store = open_server(settings)
    try:
        return await _moved(OldServerPlace(store, beside), target)
    finally:
        await store.close()


async def _moved(source: StatePlace, target: StatePlace) -> MovedState:
    copy = await move(source, target)
    return MovedState(source.name, target.name, copy.id, copy.end, copy.live)
