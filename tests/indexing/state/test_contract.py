"""The contract of a state, on each kind there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexing.state.files import FilesState
from indexing.state.postgres import PostgresState
from tests.indexing.state.contract import Open, StateContract
from tests.postgres_server import shared_server


class TestFiles(StateContract):
    @contextmanager
    def opened(self, folder: Path) -> Iterator[Open]:
        yield lambda: FilesState(folder)


class TestPostgres(StateContract):
    @contextmanager
    def opened(self, folder: Path) -> Iterator[Open]:  # noqa: ARG002  # as StateContract
        url = shared_server().new_database()
        yield lambda: PostgresState(url, "test")
