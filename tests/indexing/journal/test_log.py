"""What every log of the journal must do, wherever it lies: a file, or a collection on a server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from embedding.rows.schema import Item, Window
from indexing.journal.log import JournalLog
from indexing.journal.records import Encoded, Lifted, Put, Removed, TakenDown
from indexing.journal.takedowns import lift, take_down, taken_down
from tests.indexing.kinds_of_store import Stores, journal_of

T = TypeVar("T")


def within(stores: Stores, work: Callable[[JournalLog], Awaitable[T]]) -> T:
    """Run `work(log)` as one process would."""

    async def run() -> T:
        store = stores.open()
        try:
            return await work(journal_of(store, stores.data_dir))
        finally:
            await store.close()

    return asyncio.run(run())


def test_an_empty_journal_has_nothing(stores: Stores) -> None:
    async def work(log: JournalLog) -> None:
        assert await log.end() == 0
        assert list(await log.reader().fresh()) == []
        assert await taken_down(log) == set()

    within(stores, work)


def test_every_record_comes_back_as_it_was_put(stores: Stores) -> None:
    item = Item(
        id="a/ü",
        kind="episode",
        title="t",
        creator="c",
        availability=(Window("SE", 5, None), Window("*")),
        extra={"n": 1, "x": 1.5, "s": "é", "b": True},
    )
    changes = (
        Put(item, {"encoder": b"\x00\x01"}, {"model": b"\xff", "other": b""}),
        Removed("b"),
        TakenDown("c"),
        Lifted("d"),
        Encoded("e", {}, {"model": b"1234"}),
    )

    async def write(log: JournalLog) -> int:
        return await log.append(changes)

    async def read(log: JournalLog) -> None:
        (frame,) = await log.reader().fresh()
        assert frame.changes == changes
        assert frame.seq == await log.end() == 1

    assert within(stores, write) == 1
    within(stores, read)


def test_a_reader_gets_each_frame_once_and_in_order(stores: Stores) -> None:
    async def work(log: JournalLog) -> None:
        reader = log.reader()
        assert list(await reader.fresh()) == []
        for number in range(1, 121):
            assert await log.append([TakenDown(str(number))]) == number
            if number in {1, 2, 115}:
                await reader.fresh()
        assert [frame.seq for frame in await reader.fresh()] == list(range(116, 121))
        assert list(await reader.fresh()) == []
        assert [frame.seq for frame in await log.reader().fresh()] == list(range(1, 121))

    within(stores, work)


def test_writers_side_by_side_take_different_numbers(stores: Stores) -> None:
    async def work(log: JournalLog) -> None:
        store = stores.open()
        other = journal_of(store, stores.data_dir)
        appending = [
            one.append([TakenDown(f"{name}-{number}")])
            for number in range(10)
            for name, one in (("a", log), ("b", other))
        ]
        assert sorted(await asyncio.gather(*appending)) == list(range(1, 21))
        frames = await log.reader().fresh()
        ids = {change.id for frame in frames for change in frame.changes if isinstance(change, TakenDown)}
        assert ids == {f"{name}-{number}" for name in ("a", "b") for number in range(10)}
        await store.close()

    within(stores, work)


@pytest.mark.parametrize("lifted", [["a"], ["a", "zzz"], []])
def test_takedown_is_a_set_that_lift_takes_from(stores: Stores, lifted: list[str]) -> None:
    async def work(log: JournalLog) -> None:
        await take_down(log, ["a", "b", "a"])
        assert await lift(log, lifted) == tuple(item for item in lifted if item == "zzz")
        assert await taken_down(log) == {"a", "b"} - set(lifted)
        await take_down(log, ["a"])
        assert await taken_down(log) == {"a", "b"}

    within(stores, work)
