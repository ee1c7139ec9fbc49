"""What may befall the journal and the lock, on both stores: an odd clock, a second build, windows never seen before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from embedding.rows.schema import Window
from indexing.errors import BuildLockedError
from indexing.journal.takedowns import take_down
from indexing.releases.workspace import Workspace
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.state import file_log
from indexing.state.records import Removed
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source

AT = datetime(2026, 6, 1, tzinfo=UTC)


def asked(market: str, time: datetime) -> RequestContext:
    return RequestContext(
        market=market,
        at_s=at_s(time),
        explicit=True,
        languages=None,
        age=None,
        kinds=None,
        blocked_creators=frozenset(),
    )


def at_s(time: datetime) -> int:
    return int(time.timestamp())


def test_a_clock_that_goes_backwards_changes_nothing_that_was_journalled(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of frames is that of their numbers: `at` is for people to read."""
    hours = iter(range(100))

    class Backwards(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Backwards":
            return cls.fromtimestamp((AT - timedelta(hours=next(hours))).timestamp(), tz)

    async def work(workspace: Workspace) -> None:
        release_id = await build(workspace, source)
        monkeypatch.setattr(file_log, "datetime", Backwards)
        await put(workspace, item(1, title="First"))
        await put(workspace, item(1, title="Second"), item(2, title="Put, then removed"))
        await workspace.state.append([Removed("item-2")])
        await take_down(workspace.state, ["item-3"])
        frames = await workspace.state.reader().fresh()
        if stores.kind == "embedded":
            # A database stamps them by its own clock, and drops what a later frame replaces.
            assert [frame.seq for frame in frames] == [1, 2, 3, 4]
            assert [frame.at for frame in frames] == sorted((frame.at for frame in frames), reverse=True)
        rows = await rows_of(workspace, release_id)
        assert rows.payload(rows.find("item-1")).title == "Second"
        assert [rows.find(f"item-{number}") for number in (2, 3)] == [-1, -1]
        monkeypatch.undo()
        # What was journalled before a build, by its number, is in the catalogue already.
        later = await rows_of(workspace, await build(workspace, source))
        assert later.payload(later.find("item-1")).title == "Number 1"
        assert later.find("item-3") == -1

    within(stores, source, work)


def test_a_second_build_is_told_who_builds_and_touches_nothing(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        other = stores.state()
        async with other.build_lock():
            with pytest.raises(BuildLockedError, match=r"held by (process \d+|host test), since"):
                await build(workspace, source)
        await other.close()
        assert workspace.releases.unfinished() == []
        assert [manifest.id for manifest in workspace.releases.manifests()] == [first]
        assert await workspace.store.collections() == [first]

    within(stores, source, work)


def test_windows_that_no_row_had_before_hold_in_workers_there_are_and_in_those_that_come(
    stores: Stores, source: Source
) -> None:
    windows = (Window("FI", from_s=at_s(AT)), Window("NO", until_s=at_s(AT)))

    async def work(workspace: Workspace) -> None:
        release_id = await build(workspace, source)
        there = await rows_of(workspace, release_id)
        rules = HardRules(RuleSet(), "none", there.release.classes, workspace.store.prepare, there.release.share)
        # What was compiled before the list came is not taken for what holds after it.
        assert rules.compile(asked("NO", AT)).accepts(there.payload(there.find("item-1")))
        await put(workspace, item(1, availability=windows))
        for frame in (await workspace.state.reader().fresh())[-1:]:
            there.apply(frame)
        late = await rows_of(workspace, release_id)
        for rows in (there, late):
            payload = rows.payload(rows.find("item-1"))
            again = HardRules(RuleSet(), "none", rows.release.classes, workspace.store.prepare, rows.release.share)
            for of in (rules, again) if rows is there else (again,):
                for market, time, expected in (
                    ("NO", AT - timedelta(seconds=1), True),
                    ("NO", AT, False),
                    ("FI", AT - timedelta(seconds=1), False),
                    ("FI", AT, True),
                    ("SE", AT, False),
                ):
                    assert of.compile(asked(market, time)).accepts(payload) is expected

    within(stores, source, work)
