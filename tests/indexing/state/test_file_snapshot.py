"""A fresh reader begins with what a log says as a whole: no change is lost by it, whatever became of the file."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.state import file_log
from indexing.state.file_log import FileLog
from indexing.state.file_snapshot import folded
from indexing.state.files import FilesState
from indexing.state.record_kinds import key_of, kind_of
from indexing.state.records import Change, Encoded, Frame, Lifted, Put, Removed, TakenDown
from tests.indexing.state.contract import row

IDS = st.sampled_from(["a", "b", "c"])
CHANGES = st.one_of(
    IDS.map(row),
    IDS.map(Removed),
    IDS.map(TakenDown),
    IDS.map(Lifted),
    st.builds(Encoded, IDS, st.just({}), st.dictionaries(st.sampled_from("xy"), st.binary(max_size=2), max_size=1)),
)
LOGS = st.lists(st.lists(CHANGES, max_size=4).map(tuple), max_size=12)


def numbered(log: Sequence[tuple[Change, ...]]) -> list[Frame]:
    return [Frame(number, f"t{number}", changes) for number, changes in enumerate(log, start=1)]


def in_force(frames: Sequence[Frame]) -> dict[str, list[tuple[int, Change]]]:
    """By key, each change that nothing later replaced, in order, with its number."""
    found: dict[str, list[tuple[int, Change]]] = {}
    for frame in frames:
        for change in frame.changes:
            if kind_of(change).replaces:
                found[key_of(change)] = []
            found.setdefault(key_of(change), []).append((frame.seq, change))
    return found


@given(log=LOGS, at=st.integers(0, 12))
def test_nothing_that_counts_is_lost_wherever_it_was_folded(log: list[tuple[Change, ...]], at: int) -> None:
    frames = numbered(log)
    first = folded(frames[:at])
    both = [*first, *frames[at:]]
    assert in_force(both) == in_force(frames)
    assert in_force(folded(both)) == in_force(frames)
    # Numbers follow one another as a reader checks them.
    before = 0
    for frame in both:
        assert (frame.seq - 1 if frame.after is None else frame.after) == before
        assert frame.at == f"t{frame.seq}"
        before = frame.seq
    assert before == len(frames)


@settings(max_examples=30, deadline=None)
@given(log=LOGS, folds=st.sets(st.integers(0, 12)))
def test_a_reader_from_before_and_a_fresh_one_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[Change, ...]], folds: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    patch = pytest.MonkeyPatch()
    patch.setattr(file_log, "_FOLD_BYTES", -1)
    writer = FileLog(folder)
    along = writer.reader()
    read: list[Frame] = []
    for number, changes in enumerate(log):
        if number in folds and number:
            FileLog(folder).fold()
        assert asyncio.run(writer.append(changes)) == number + 1
        read += along.read()
    if log:
        writer.fold()
    patch.undo()
    assert in_force(FileLog(folder).reader().read()) == in_force(read)
    assert asyncio.run(FileLog(folder).append([])) == len(log) + 1


def folder_with_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(file_log, "_FOLD_BYTES", -1)
    folder = tmp_path / "journal"
    log = FileLog(folder)
    for changes in ([row("a")], [TakenDown("b")], [row("a")], [Lifted("b")]):
        asyncio.run(log.append(changes))
    log.fold()
    return folder


def numbers(folder: Path) -> list[int]:
    return [frame.seq for frame in FileLog(folder).reader().read()]


def test_what_was_replaced_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with_snapshot(tmp_path, monkeypatch)
    assert numbers(folder) == [3, 4]
    asyncio.run(FileLog(folder).append([TakenDown("c")]))
    assert numbers(folder) == [3, 4, 5]


@pytest.mark.parametrize("damage", ["cut", "turned", "empty", "of another log"])
def test_one_that_cannot_be_used_is_told_and_the_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    folder = folder_with_snapshot(tmp_path, monkeypatch)
    path = folder / "snapshot"
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[:-3])
    elif damage == "turned":
        data[-2] ^= 1
        path.write_bytes(data)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        other = FileLog(tmp_path / "other")
        for item_id in "wxyz":
            asyncio.run(other.append([row(item_id)]))
        other.fold()
        path.write_bytes((tmp_path / "other" / "snapshot").read_bytes())
    with caplog.at_level(logging.WARNING):
        assert numbers(folder) == [1, 2, 3, 4]
    assert "is left out, and the whole log read" in caplog.text
    assert isinstance(FileLog(folder).reader().read()[0].changes[0], Put)


def test_a_log_that_was_restored_from_before_its_snapshot_says_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with_snapshot(tmp_path, monkeypatch)
    path = folder / "changes.log"
    log = FileLog(tmp_path / "earlier")
    for changes in ([row("a")], [TakenDown("b")]):
        asyncio.run(log.append(changes))
    path.write_bytes((tmp_path / "earlier" / "changes.log").read_bytes())
    assert numbers(folder) == [1, 2]


@pytest.mark.parametrize("num_after", [0, 2])
def test_a_log_that_ends_alike_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_after: int) -> None:
    """Restored from a backup, changed otherwise, and grown to the same length by changes that end alike."""
    monkeypatch.setattr(file_log, "_FOLD_BYTES", -1)
    why = "the label asked for it, in a letter that is longer than what was compared before"
    for name, item_id in (("journal", "a"), ("other", "b")):
        log = FileLog(tmp_path / name)
        for change in (TakenDown(item_id, "", why), TakenDown("c", "", why)):
            asyncio.run(log.append([change]))
        for _ in range(num_after if name == "other" else 0):
            asyncio.run(log.append([row("d")]))
    FileLog(tmp_path / "journal").fold()
    (tmp_path / "other" / "changes.log").rename(tmp_path / "journal" / "changes.log")
    first = FileLog(tmp_path / "journal").reader().read()[0]
    assert first.changes == (TakenDown("b", "", why),)


def test_one_that_is_longer_than_its_log_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with_snapshot(tmp_path, monkeypatch)
    log = FileLog(tmp_path / "earlier")
    for changes in ([row("a")], [row("a")]):
        asyncio.run(log.append(changes))
    (folder / "changes.log").write_bytes((tmp_path / "earlier" / "changes.log").read_bytes())
    monkeypatch.setattr(file_log, "_FOLD_BYTES", 1 << 20)
    FileLog(folder).fold()
    assert numbers(folder) == [2]


def test_it_is_made_once_the_log_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_log, "_FOLD_BYTES", 200)

    async def work() -> None:
        state = FilesState(tmp_path)
        await state.append([row("a")])
        await state.keep({})
        assert not (tmp_path / "journal" / "snapshot").exists()
        while (tmp_path / "journal" / "changes.log").stat().st_size < 300:
            await state.append([row("a")])
        await state.keep({})
        written = (tmp_path / "journal" / "snapshot").stat().st_mtime_ns
        await state.append([row("a")])
        await state.keep({})
        # Not again for so little.
        assert (tmp_path / "journal" / "snapshot").stat().st_mtime_ns == written
        assert len(await state.reader().fresh()) == 2

    asyncio.run(work())
