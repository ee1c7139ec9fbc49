"""Where the state of the settings lies: files in the data folder, or PostgreSQL."""

from socket import gethostname
from typing import TYPE_CHECKING

from embedding.errors import UsageError
from embedding.extras.registry import require
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.files import FilesState

if TYPE_CHECKING:
    from indexing.state.postgres import PostgresState


def open_state(settings: IndexingSettings) -> StateStore:
    """The state of `settings`, which its user closes.

    BusyError where files are served from by another host, StateError where it was moved away, UsageError as
    `open_database`.
    """
    if settings.state_url is not None:
        return open_database(settings)
    state = FilesState(settings.data_dir)
    state.check_host()
    return state


def open_database(settings: IndexingSettings, *, also_moved: bool = False) -> "PostgresState":
    """The state in the database of `state_url`; one that was moved away from it only where `also_moved`.

    UsageError where there is no `state_url`, it cannot be read, or the extra that speaks to a database is missing.
    """
    if settings.state_url is None:
        raise UsageError("state_url names no database: set it to postgresql://USER@HOST/DATABASE")
    require("postgres", "state_url (PostgreSQL)")
    from indexing.state.postgres import PostgresState

    return PostgresState(settings.state_url, settings.host_name or gethostname(), also_moved=also_moved)
