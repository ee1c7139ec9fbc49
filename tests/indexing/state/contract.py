"""What every state must do, wherever it lies: a newcomer subclasses `StateContract` and says how it is opened."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedding.rows.schema import Item, Window
from indexing.errors import BuildLockedError, RulesError
from indexing.journal.takedowns import lift, take_down, takedowns, taken_down
from indexing.rules.declaration import RuleSet
from indexing.rules.reading import DEFAULT_RULES, anything
from indexing.state.contract import Activation, LogReader, StateStore
from indexing.state.records import Change, Encoded, Lifted, Put, Removed, TakenDown

T = TypeVar("T")
Open = Callable[[], StateStore]

FIRST = Activation("2026-11-29T10:00:00.000+00:00", "activate", "r1", None, by="ops", why="a new catalogue")
SECOND = Activation(
    "2026-11-29T11:00:00.000+00:00", "rollback", "r0", "r1", ("recall",), widened=True, without=("away",)
)


def row(item_id: str, title: str = "t") -> Put:
    return Put(Item(id=item_id, kind="track", title=title, creator="c"), {"encoder": b"\x00"}, {})


# What a log may say of few rows and ids, so that much of it is said again.
_ids = st.sampled_from("abc")
_changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(row, _ids, st.sampled_from("xyz")),
    st.builds(Removed, _ids),
    st.builds(TakenDown, _ids),
    st.builds(Lifted, _ids),
    st.builds(Encoded, _ids, st.just({}), st.dictionaries(st.sampled_from(("m", "n")), st.just(b"v"))),
)


def shown(
    frames: list[Change], since: int, numbers: list[int]
) -> tuple[dict[str, Change], dict[str, set[str]], set[str]]:
    """What frames leave of each row put after number `since`, its further vectors, and the ids taken down."""
    rows: dict[str, Change] = {}
    vectors: dict[str, set[str]] = {}
    hidden: set[str] = set()
    for number, change in zip(numbers, frames, strict=True):
        match change:
            case TakenDown(item_id):
                hidden.add(item_id)
            case Lifted(item_id):
                hidden.discard(item_id)
            case Put(item) if number > since:
                rows[item.id], vectors[item.id] = change, set()
            case Removed(item_id) if number > since:
                rows[item_id], vectors[item_id] = change, set()
            case Encoded(item_id) if number > since and isinstance(rows.get(item_id), Put):
                vectors[item_id] |= change.tower.keys()
            case _:
                pass
    return rows, vectors, hidden


class StateContract:
    """Subclass it with `opened`: a context that gives a function, which opens one and the same empty state anew."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Open]:
        """A state of its own; each call of what it gives is one more process."""
        raise NotImplementedError

    def run(self, folder: Path, work: Callable[[StateStore, Open], Awaitable[T]]) -> T:
        """Run `work(state, open)` as one process would."""

        async def within(opening: Open) -> T:
            state = opening()
            try:
                return await work(state, opening)
            finally:
                await state.close()

        with self.opened(folder) as opening:
            return asyncio.run(within(opening))

    def test_a_new_one_is_empty_and_keeps_its_name_and_its_key(self, tmp_path: Path) -> None:
        async def work(state: StateStore, opening: Open) -> None:
            other = opening()
            assert await state.end() == 0
            assert list(await state.reader().fresh()) == []
            assert await taken_down(state) == set()
            assert await state.live() is None
            assert await state.activations() == []
            assert await state.rules() == DEFAULT_RULES
            assert await state.build_holder() is None
            assert await state.id() == await other.id() != ""
            assert await state.cursor_key() == await other.cursor_key()
            assert len(await state.cursor_key()) == 32
            await other.close()

        self.run(tmp_path, work)

    def test_every_record_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
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
            TakenDown("c", "ops", "a claim", "r1"),
            Lifted("d"),
            Encoded("e", {}, {"model": b"1234"}),
        )

        async def work(state: StateStore, opening: Open) -> None:
            assert await state.append(changes) == 1
            other = opening()
            (frame,) = await other.reader().fresh()
            assert frame.changes == changes
            assert frame.seq == await other.end() == 1
            await other.close()

        self.run(tmp_path, work)

    def test_a_reader_gets_each_frame_once_and_in_order(self, tmp_path: Path) -> None:
        async def work(state: StateStore, _: Open) -> None:
            reader = state.reader()
            assert list(await reader.fresh()) == []
            for number in range(1, 31):
                assert await state.append([TakenDown(str(number))]) == number
                if number in {1, 2, 25}:
                    await reader.fresh()
            assert [frame.seq for frame in await reader.fresh()] == list(range(26, 31))
            assert list(await reader.fresh()) == []
            assert [frame.seq for frame in await state.reader().fresh()] == list(range(1, 31))

        self.run(tmp_path, work)

    def test_writers_side_by_side_take_different_numbers(self, tmp_path: Path) -> None:
        async def work(state: StateStore, opening: Open) -> None:
            other = opening()
            appending = [
                one.append([TakenDown(f"{name}-{number}")])
                for number in range(10)
                for name, one in (("a", state), ("b", other))
            ]
            assert sorted(await asyncio.gather(*appending)) == list(range(1, 21))
            frames = await state.reader().fresh()
            ids = {change.id for frame in frames for change in frame.changes if isinstance(change, TakenDown)}
            assert ids == {f"{name}-{number}" for name in ("a", "b") for number in range(10)}
            await other.close()

        self.run(tmp_path, work)

    @pytest.mark.parametrize("lifted", [["a"], ["a", "zzz"], []])
    def test_takedown_is_a_set_that_lift_takes_from(self, tmp_path: Path, lifted: list[str]) -> None:
        async def work(state: StateStore, _: Open) -> None:
            await take_down(state, ["a", "b", "a"])
            assert await lift(state, lifted) == tuple(item for item in lifted if item == "zzz")
            assert await taken_down(state) == {"a", "b"} - set(lifted)
            await take_down(state, ["a"])
            assert await taken_down(state) == {"a", "b"}

        self.run(tmp_path, work)

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors])
    @given(
        frames=st.lists(st.lists(_changes, max_size=3), max_size=12),
        looks=st.sets(st.integers(0, 11)),
        since=st.integers(0, 12),
    )
    def test_whoever_reads_late_finds_what_whoever_read_all_along_found(
        self, tmp_path_factory: pytest.TempPathFactory, frames: list[list[Change]], looks: set[int], since: int
    ) -> None:
        """Of each row and id what was said last, for a release built at any number; the end is the last number."""

        async def work(state: StateStore, _: Open) -> None:
            along = state.reader()
            read, numbers = [], []

            async def look(reader: LogReader) -> tuple[list[Change], list[int]]:
                found = await reader.fresh()
                return (
                    [change for frame in found for change in frame.changes],
                    [frame.seq for frame in found for _ in frame.changes],
                )

            for place, changes in enumerate(frames):
                await state.append(changes)
                if place in looks:
                    some, at = await look(along)
                    read += some
                    numbers += at
            some, at = await look(along)
            every = [change for changes in frames for change in changes]
            all_numbers = [place for place, changes in enumerate(frames, start=1) for _ in changes]
            expected = shown(every, since, all_numbers)
            assert shown(read + some, since, numbers + at) == expected
            late, at = await look(state.reader())
            assert shown(late, since, at) == expected
            last = state.reader()
            ends = [frame.seq for frame in await last.fresh()]
            assert (ends[-1] if ends else 0) == await state.end() == len(frames)

        self.run(tmp_path_factory.mktemp("state"), work)

    def test_a_switch_is_kept_with_who_and_why_and_seen_by_all(self, tmp_path: Path) -> None:
        async def work(state: StateStore, opening: Open) -> None:
            other = opening()
            await state.switch(FIRST)
            assert await other.live() == "r1"
            await other.switch(SECOND)
            assert await state.live() == "r0"
            assert await state.activations() == await other.activations() == [FIRST, SECOND]
            await other.close()

        self.run(tmp_path, work)

    def test_rules_are_accepted_whole_or_not_at_all(self, tmp_path: Path) -> None:
        good = b'[blocked]\nitems = ["x"]\n'

        async def work(state: StateStore, opening: Open) -> None:
            reader = state.reader()
            await reader.fresh()
            assert reader.fresh_rules() is None
            version = await state.accept(good, "rules.toml", anything, "ops")
            other = opening()
            assert (await other.rules())[0] == version
            await reader.fresh()
            fresh = reader.fresh_rules()
            assert fresh is not None
            assert fresh[0] == version
            assert fresh[1].blocked.items == ("x",)
            assert reader.fresh_rules() is None
            with pytest.raises(RulesError, match=r"rules\.toml"):
                await state.accept(b"[blocked]\nitem = 1\n", "rules.toml", anything)
            with pytest.raises(RulesError, match="UTF-8"):
                await state.accept(b"\xff", "rules.toml", anything)

            def never(_: RuleSet) -> None:
                raise RulesError("does not fit")

            with pytest.raises(RulesError, match="does not fit"):
                await state.accept(b"", "rules.toml", never)
            assert (await state.rules())[0] == version
            await reader.fresh()
            assert reader.fresh_rules() is None
            await other.close()

        self.run(tmp_path, work)

    def test_one_builds_at_a_time_and_the_others_are_told_who(self, tmp_path: Path) -> None:
        async def work(state: StateStore, opening: Open) -> None:
            other = opening()
            async with state.build_lock():
                holder = await other.build_holder()
                assert holder
                with pytest.raises(BuildLockedError, match=re.escape(holder)):
                    async with other.build_lock():
                        pass
                assert await other.build_holder() == holder
            assert await other.build_holder() is None
            async with other.build_lock():
                assert await state.build_holder() is not None
            await other.close()

        self.run(tmp_path, work)

    def test_the_log_says_of_which_items_it_knows(self, tmp_path: Path) -> None:
        ids = ("put", "removed", "down", "lifted", "encoded", "never", "rules", "live", "w:put")

        async def work(state: StateStore, _: Open) -> None:
            assert await state.items_said(ids) == set()
            await state.append([row("put"), row("removed"), TakenDown("down"), TakenDown("lifted"), row("encoded")])
            await state.append([Removed("removed"), Lifted("lifted"), Encoded("encoded", {}, {"m": b"v"})])
            await state.switch(FIRST)
            await state.accept(b"", "rules.toml", anything)
            assert await state.items_said(ids) == {"put", "removed", "down", "lifted", "encoded"}
            assert await state.items_said(()) == set()

        self.run(tmp_path, work)

    def test_takedowns_are_listed_with_the_last_that_was_said_of_each(self, tmp_path: Path) -> None:
        async def work(state: StateStore, _: Open) -> None:
            await take_down(state, ["b", "a"], "ops", "a claim")
            await state.switch(FIRST)
            await take_down(state, ["c"])
            await take_down(state, ["b"], "legal")
            await lift(state, ["c"], "ops")
            # As earlier versions wrote it.
            await state.append([TakenDown("old")])
            listed = await takedowns(state)
            told = [(one.id, one.by, one.why, one.since_release) for one in listed]
            assert told == [("a", "ops", "a claim", None), ("b", "legal", None, "r1"), ("old", None, None, None)]
            assert [one.number for one in listed] == sorted(one.number for one in listed)
            assert sorted(one.at for one in listed) == [one.at for one in listed]

        self.run(tmp_path, work)

    def test_where_nobody_else_answers_a_change_holds_at_once(self, tmp_path: Path) -> None:
        async def work(state: StateStore, _: Open) -> None:
            assert await state.unacknowledged(await state.append([TakenDown("a")]), 0) == []

        self.run(tmp_path, work)
