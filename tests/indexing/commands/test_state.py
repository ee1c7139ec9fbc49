"""The commands `nearfield state move` and `nearfield state forget`, as typed."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embedding.errors import BusyError, UsageError
from indexing.commands.state import state
from indexing.errors import StateError
from indexing.journal.takedowns import take_down, taken_down
from indexing.settings import IndexingSettings
from indexing.state.files import FilesState
from tests.indexing.state.leases import Database, HandClock, hold, worker


class Typed:
    """One host, whose state may lie in files or in a database."""

    def __init__(self, folder: Path) -> None:
        self.database = Database()
        self.files = FilesState(folder)
        self.folder = folder

    def __call__(self, *words: str) -> Result:
        settings = IndexingSettings(data_dir=self.folder, state_url=self.database.url, host_name="one")
        return CliRunner().invoke(state, words, obj=settings)


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path / "data")


def test_files_are_moved_to_the_database_and_back(typed: Typed) -> None:
    asyncio.run(take_down(typed.files, ["a", "b"]))
    name = asyncio.run(typed.files.id())
    moved = json.loads(typed("move", "files", "--json").stdout)
    place = f"the database {typed.database.state().connection.told}"
    assert moved == {"from": str(typed.folder), "to": place, "id": name, "changes": 1, "live": None}
    assert isinstance(typed("move", "files").exception, StateError)
    back = typed("move", "database")
    assert back.stdout == f"1 changes, live None: moved from {place} to {typed.folder}\n"
    assert asyncio.run(taken_down(typed.files)) == {"a", "b"}


def test_a_state_is_not_moved_over_another(typed: Typed) -> None:
    asyncio.run(take_down(typed.files, ["a"]))
    there = typed.database.state()
    typed.database.run(lambda: take_down(there, ["b"]))
    assert isinstance(typed("move", "files").exception, BusyError)
    assert asyncio.run(taken_down(typed.files)) == {"a"}


def test_what_the_settings_do_not_name_is_not_moved(typed: Typed) -> None:
    assert isinstance(typed("move", "qdrant").exception, UsageError)
    words = typed("move", "elsewhere")
    assert words.exit_code == 2
    assert "'files', 'database', 'qdrant'" in words.stderr


def test_a_host_is_forgotten(typed: Typed) -> None:
    def waiting() -> list[str]:
        here = typed.database.state()
        return typed.database.run(lambda: here.unacknowledged(1, 0))

    lease, here = typed.database.lease(HandClock(), worker("w", "gone")), typed.database.state()

    async def work() -> None:
        await hold(lease)
        await take_down(here, ["a"])

    typed.database.run(work)
    assert waiting() == ["gone (process of w)"]
    assert typed("forget", "gone").stdout == "gone is waited for no more\n"
    assert waiting() == []
    assert typed("forget", "gone").stdout == "nothing was known of a host called gone\n"
    assert json.loads(typed("forget", "gone", "--json").stdout) == {"host": "gone", "known": False}
