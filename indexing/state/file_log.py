"""The journal as one file: appended to under a lock, flushed to the disk before it is acknowledged.

A frame is: length and CRC-32 of its body (two little-endian uint32), the body (msgpack), a mark of its end.
A writer killed in the middle leaves a torn last frame, which was never acknowledged: the next writer cuts it off.
"""

import asyncio
import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from embedding.durable_files import write_durably
from embedding.errors import DamagedError, NearfieldError
from indexing.errors import StateError
from indexing.state.file_snapshot import Mark, Snapshot, covered, folded, read_snapshot, remove_snapshot, write_snapshot
from indexing.state.record_kinds import item_keys, key_of
from indexing.state.records import Change, Frame, Moved

_log = logging.getLogger("nearfield.journal")

_HEADER = struct.Struct("<II")
_END = b"\nend"
_PART_BYTES = 64 << 20
# So much is read within a second or two.
_FOLD_BYTES = 64 << 20
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


class FileReader:
    """Reads the file from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.offset = 0
        """Where the next frame begins."""
        self.seq = 0
        """Number of the last frame read."""
        self.moved: str | None = None
        """Where the log goes on, once its end was read; None while it goes on here."""
        self.mark: Mark | None = None
        """Of the last frame read."""
        # The file at the last look: size, time of the last write, inode.
        self._looked_at = (0, 0, 0)

    def read(self) -> list[Frame]:
        """Frames appended since the last call, all or none; a look that finds nothing costs one `stat`.

        Raises DamagedError, at each call until the file is mended.
        """
        try:
            stat = self._path.stat()
            looked_at = stat.st_size, stat.st_mtime_ns, stat.st_ino
        except FileNotFoundError:
            looked_at = 0, 0, 0
        if looked_at == self._looked_at:
            return []
        before = self.offset, self.seq, self.moved, self.mark
        try:
            frames = list(self.stream(looked_at[0]))
        except BaseException:
            # Those before what is damaged were given to nobody: once it is mended they are read again.
            self.offset, self.seq, self.moved, self.mark = before
            raise
        self._looked_at = looked_at
        return frames

    def stream(self, size: int) -> Iterator[Frame]:
        """As `read`, of a log that has `size` bytes by now, and one after the other."""
        if size < self.offset:
            raise DamagedError(
                f"{self._path} has {size} bytes, {self.offset} of it were read before: expected a file that only "
                "grows. Restore it from a backup: it holds takedowns and changes that no release has."
            )
        if self.offset == 0 and (snapshot := read_snapshot(self._path)) is not None:
            self.offset, told = snapshot
            self.mark, self.seq = told.mark, told.frames[-1].seq
            for frame in told.frames:
                self._note(frame)
                yield frame
        yield from self._frames(size)

    def _frames(self, size: int) -> Iterator[Frame]:
        """Those from `offset` to `size`, where the file ended just now; of a long file a part at a time."""
        if size == 0:
            return
        with self._path.open("rb") as file:
            if self.mark is not None and not self.mark.is_in(file):
                raise DamagedError(
                    f"{self._path} is another file than the one that was read up to frame {self.seq}: expected one "
                    "that only grows. Where it was put there on purpose, start again what says this."
                )
            data, start = b"", 0
            file.seek(self.offset)
            while True:
                part = file.read(min(_PART_BYTES, size - file.tell()))
                if not part:
                    return
                data, start = data[start:] + part, 0
                while (stop := _stop(data, start)) is not None:
                    yield self._frame(data, start, stop)
                    self.offset += stop - start
                    start = stop

    def _frame(self, data: bytes, start: int, stop: int) -> Frame:
        _, crc = _HEADER.unpack_from(data, start)
        body = data[start + _HEADER.size : stop - len(_END)]
        try:
            if zlib.crc32(body) != crc:
                raise ValueError("its checksum differs")
            frame = _decoder.decode(body)
            before = frame.seq - 1 if frame.after is None else frame.after
            if before != self.seq or frame.seq <= before:
                raise ValueError(f"it says number {frame.seq}")
        except (ValueError, msgspec.DecodeError) as error:
            raise DamagedError(
                f"{self._path} is damaged at byte {self.offset}: frame {self.seq + 1} cannot be read ({error}). "
                "Restore the file from a backup: it holds takedowns and changes that no release has."
            ) from error
        self.seq = frame.seq
        self.mark = Mark(self.offset, data[start : start + _HEADER.size])
        self._note(frame)
        return frame

    def _note(self, frame: Frame) -> None:
        for change in frame.changes:
            if isinstance(change, Moved):
                self.moved = change.where


def _stop(data: bytes, start: int) -> int | None:
    """Where the frame at `start` ends; None when it is not there as a whole (yet)."""
    if len(data) < start + _HEADER.size:
        return None
    length, crc = _HEADER.unpack_from(data, start)
    stop = int(start + _HEADER.size + length + len(_END))
    if len(data) < stop:
        return None
    body_stop = stop - len(_END)
    if data[body_stop:stop] == _END or zlib.crc32(data[start + _HEADER.size : body_stop]) == crc:
        return stop
    if len(data) > stop:
        # Something was appended behind it, so it was whole once: let the reader say what is wrong.
        return stop
    # A power cut can leave the length of a file without its last bytes.
    return None


class FileLog:
    """The log in `folder`; any number of processes may append and read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "changes.log"
        self._tail = FileReader(self._path)

    def reader(self) -> FileReader:
        """A reader of its own place, at the beginning."""
        return FileReader(self._path)

    async def end(self) -> int:
        """Number of the last frame, 0 where there is none."""
        if not self._path.exists():
            # Who only looks leaves no folder behind.
            return 0
        with self._locked():
            self._tail.read()
            return self._tail.seq

    def items_said(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that the log says something of, in a read of all of it."""
        wanted = {key: item_id for item_id in ids for key in item_keys(item_id)}
        size = self._path.stat().st_size if self._path.exists() else 0
        keys = (key_of(change) for frame in self.reader().stream(size) for change in frame.changes)
        return {wanted[key] for key in keys if key in wanted}

    async def append(self, changes: Sequence[Change]) -> int:
        """As Log; other writers and the disk are waited for in a thread."""
        return await asyncio.to_thread(self._append, changes)

    def _append(self, changes: Sequence[Change]) -> int:
        try:
            with self._locked():
                return self._write(changes)
        except OSError as error:
            raise NearfieldError(
                f"The journal {self._path} cannot be written: {error.strerror}. Nothing was changed; "
                "make room or give this user the right to write there, and try again."
            ) from error

    def _write(self, changes: Sequence[Change]) -> int:
        self._tail.read()
        if self._tail.moved is not None:
            raise moved_away(self._folder.parent, self._tail.moved)
        start, seq = self._tail.offset, self._tail.seq + 1
        body = _encoder.encode(Frame(seq, datetime.now(UTC).isoformat(timespec="milliseconds"), tuple(changes)))
        is_new = not self._path.exists()
        with self._path.open("wb" if is_new else "r+b", buffering=0) as file:
            torn = file.seek(0, os.SEEK_END) - start
            if torn:
                _log.warning("%s: the last %d bytes were never acknowledged and are cut off", self._path, torn)
                file.truncate(start)
            file.seek(start)
            try:
                _write_all(file.fileno(), _HEADER.pack(len(body), zlib.crc32(body)) + body + _END)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(start)
                raise
        if is_new:
            _sync_folder(self._folder)
        return seq

    def end_with(self, last: Moved, end: int) -> None:
        """Append the last frame, where it is not there yet; StateError where the log has gone beyond `end`."""
        with self._locked():
            self._tail.read()
            if self._tail.moved is not None:
                return
            if self._tail.seq != end:
                raise gone_on(str(self._folder), end, self._tail.seq)
            self._write([last])

    def restore(self, frames: Sequence[Frame]) -> None:
        """Write frames under their own numbers, as they are in another log, in place of what is here."""
        with self._locked():
            remove_snapshot(self._path)
            data = bytearray()
            before = 0
            for frame in frames:
                body = _encoder.encode(replace(frame, after=None if frame.seq == before + 1 else before))
                data += _HEADER.pack(len(body), zlib.crc32(body)) + body + _END
                before = frame.seq
            write_durably(self._path, bytes(data))
            self._tail = FileReader(self._path)

    def fold(self) -> None:
        """Keep what the log says without what was replaced, for fresh readers, where it has grown by much since."""
        size = self._path.stat().st_size if self._path.exists() else 0
        grown = size - covered(self._path)
        # Shorter than what it was folded from: it is another one.
        if grown > _FOLD_BYTES or grown < 0:
            reader = self.reader()
            frames = folded(reader.stream(size))
            if reader.mark is not None:
                write_snapshot(self._path, reader.offset, Snapshot(reader.mark, tuple(frames)))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def gone_on(name: str, end: int, now: int) -> StateError:
    """What is told where changes were made while a log was read to be moved."""
    return StateError(
        f"{name} came to {now} changes while its first {end} were moved: nothing was ended there, and it goes on. Stop "
        "what serves from it, empty the place that it is moved to, and move it again"
    )


def moved_away(data_dir: Path, where: str) -> StateError:
    """What whoever uses a state is told that is no longer here."""
    return StateError(
        f"the state of {data_dir} was moved to {where}: set state_url to it, or bring it back with "
        "`nearfield state move database`"
    )


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
