"""What status tells: of a world without a release, of a changed one, and of one whose journal is damaged."""

from pathlib import Path

from indexing.building.compaction import compact
from indexing.journal.takedowns import take_down
from indexing.releases.status import JournalStatus, status_of
from indexing.releases.workspace import Workspace
from tests.indexing.at_work import build, item, put, within
from tests.indexing.kinds_of_store import EmbeddedStores, Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source


def test_it_tells_what_is_live_and_what_changed_since(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        nothing = await status_of(workspace)
        assert (nothing.live, nothing.journal, nothing.trouble, nothing.releases) == (None, None, None, [])
        first = await build(workspace, source)
        await put(workspace, item(1, title="Another"), item(2, title="Another"))
        await take_down(workspace.state, ["item-3", "nobody"])
        changed = await status_of(workspace)
        assert changed.live == first
        assert changed.journal == JournalStatus(2, round(2 / NUM_ITEMS, 6), 2)
        made = await compact(workspace, QUIET)
        assert made is not None
        after = await status_of(workspace)
        assert (after.live, after.journal) == (made.id, JournalStatus(0, 0.0, 2))
        assert [manifest.id for manifest in after.releases] == [first, made.id]

    within(stores, source, work)


def test_a_damaged_journal_is_told_and_stops_nothing(source: Source, tmp_path: Path) -> None:
    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        await put(workspace, item(1, title="Another"))
        path = tmp_path / "journal" / "changes.log"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data) + bytes(data))
        found = await status_of(workspace)
        assert (found.live, found.journal) == (first, None)
        assert found.trouble is not None
        assert str(path) in found.trouble

    within(EmbeddedStores(tmp_path), source, work)
