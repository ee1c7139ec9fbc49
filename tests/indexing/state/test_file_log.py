"""The journal's file: nothing acknowledged is lost, what was torn never happened, damage is never passed over."""

import asyncio
import multiprocessing
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.errors import DamagedError, NearfieldError
from indexing.state.file_log import FileLog
from indexing.state.records import Lifted, TakenDown


def append(log: FileLog, *ids: str) -> int:
    return asyncio.run(log.append([TakenDown(item_id) for item_id in ids]))


def ids_in(log: FileLog) -> list[str]:
    frames = log.reader().read()
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    return [change.id for frame in frames for change in frame.changes if isinstance(change, TakenDown | Lifted)]


def test_frames_are_numbered_and_read_once_by_each_reader(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "journal")
    assert asyncio.run(log.end()) == 0
    reader = log.reader()
    assert append(log, "a") == 1
    assert [frame.seq for frame in reader.read()] == [1]
    assert append(FileLog(tmp_path / "journal"), "b", "c") == 2
    assert [frame.changes for frame in reader.read()] == [(TakenDown("b"), TakenDown("c"))]
    assert reader.read() == []
    assert ids_in(log) == ["a", "b", "c"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=1, max_value=200), rest=st.binary(max_size=40))
def test_a_torn_last_frame_never_happened_and_the_next_one_follows(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rest: bytes
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    log = FileLog(folder)
    append(log, "kept")
    path = folder / "changes.log"
    whole = path.read_bytes()
    append(log, "torn")
    second = path.read_bytes()[len(whole) :]
    # As a power cut leaves it: the length of the file is there, some of the bytes are not.
    torn = (second[: max(0, len(second) - cut)] + rest)[: len(second) - 1]
    path.write_bytes(whole + torn)
    again = FileLog(folder)
    assert ids_in(again) == ["kept"]
    assert append(again, "next") == 2
    assert ids_in(again) == ["kept", "next"]


def test_a_reader_that_saw_a_torn_frame_reads_the_one_in_its_place(tmp_path: Path) -> None:
    log = FileLog(tmp_path)
    append(log, "kept")
    path = tmp_path / "changes.log"
    whole = path.read_bytes()
    append(log, "same-length-1")
    second = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + second[:-1] + b"?")
    path.write_bytes(whole + second[:20] + bytes(len(second) - 20))
    again = FileLog(tmp_path)
    reader = again.reader()
    assert [frame.seq for frame in reader.read()] == [1]
    append(again, "same-length-2")
    assert [frame.changes for frame in reader.read()] == [(TakenDown("same-length-2"),)]


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_flipped_byte_of_an_acknowledged_frame_is_damage(tmp_path: Path, place: str) -> None:
    log = FileLog(tmp_path)
    append(log, "first-item")
    append(log, "last-item")
    path = tmp_path / "changes.log"
    data = bytearray(path.read_bytes())
    data[data.index(f"{place}-item".encode())] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=r"changes.log is damaged at byte \d+: frame [12] cannot be read"):
        ids_in(FileLog(tmp_path))
    with pytest.raises(DamagedError):
        append(FileLog(tmp_path), "another")


def test_a_file_that_shrank_is_damage_for_who_read_it_before(tmp_path: Path) -> None:
    log = FileLog(tmp_path)
    append(log, "a")
    reader = log.reader()
    reader.read()
    (tmp_path / "changes.log").unlink()
    with pytest.raises(DamagedError, match="expected a file that only grows"):
        reader.read()


def test_what_came_before_damage_is_given_once_the_file_is_mended(tmp_path: Path) -> None:
    log = FileLog(tmp_path)
    reader = log.reader()
    for item_id in ("a", "b", "damaged"):
        append(log, item_id)
    path = tmp_path / "changes.log"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"damaged", b"damagex"))
    for _ in range(2):
        with pytest.raises(DamagedError, match="frame 3 cannot be read"):
            reader.read()
    path.write_bytes(whole)
    assert [frame.changes for frame in reader.read()] == [(TakenDown(one),) for one in ("a", "b", "damaged")]


@pytest.mark.parametrize("num", [3, 9], ids=["of the same size", "longer"])
@pytest.mark.parametrize("in_place", [True, False])
def test_another_file_in_its_place_is_damage_for_who_read_it_before_and_stays_as_it_is(
    tmp_path: Path, num: int, in_place: bool
) -> None:
    """As when a state was moved away and back, or a backup was put there, while a process slept."""
    log, other = FileLog(tmp_path / "journal"), FileLog(tmp_path / "other")
    for number in range(3):
        append(log, f"a{number}")
    reader = log.reader()
    reader.read()
    for number in range(num):
        append(other, f"b{number}")
    path, other_path = tmp_path / "journal" / "changes.log", tmp_path / "other" / "changes.log"
    data = other_path.read_bytes()
    if in_place:
        path.write_bytes(data)
    else:
        other_path.rename(path)
    with pytest.raises(DamagedError, match="another file than the one that was read up to frame 3"):
        reader.read()
    with pytest.raises(DamagedError, match="another file"):
        append(log, "c")
    assert path.read_bytes() == data


def test_a_copy_of_the_same_file_goes_on(tmp_path: Path) -> None:
    log = FileLog(tmp_path)
    append(log, "a")
    reader = log.reader()
    reader.read()
    path = tmp_path / "changes.log"
    (tmp_path / "copy").write_bytes(path.read_bytes())
    (tmp_path / "copy").rename(path)
    assert reader.read() == []
    append(log, "b")
    assert [frame.seq for frame in reader.read()] == [2]


def _append_many(folder: Path, name: str, count: int) -> None:
    log = FileLog(folder)
    for number in range(count):
        append(log, f"{name}-{number}")


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_many, args=(tmp_path, name, 40)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = ids_in(FileLog(tmp_path))
    assert sorted(found) == sorted(f"{name}-{number}" for name in ("a", "b") for number in range(40))
    for name in ("a", "b"):
        assert [item for item in found if item.startswith(name)] == [f"{name}-{number}" for number in range(40)]


def _append_until_killed(folder: Path) -> None:
    log = FileLog(folder)
    number = 0
    while True:
        append(log, f"item-{number}", "x" * 5_000)
        sys.stdout.write(f"item-{number}\n")
        sys.stdout.flush()
        number += 1


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    program = "import sys, pathlib; from tests.indexing.state.test_file_log import _append_until_killed as go; "
    for run in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", program + "go(pathlib.Path(sys.argv[1]))", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(3 + 7 * run)]
        process.kill()
        acknowledged += process.stdout.read().split()
        process.stdout.close()
        process.wait()
        found = ids_in(FileLog(tmp_path))
        assert set(acknowledged) <= set(found)


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path) -> None:
    log = FileLog(tmp_path)
    append(log, "kept")
    size = (tmp_path / "changes.log").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A write beyond it fails with EFBIG; Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(NearfieldError, match=r"cannot be written: .*Nothing was changed"):
            append(log, "x" * 500)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "changes.log").stat().st_size == size
    assert append(log, "next") == 2
    assert ids_in(log) == ["kept", "next"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(NearfieldError, match="give this user the right to write there"):
        append(FileLog(tmp_path / "journal"), "a")
