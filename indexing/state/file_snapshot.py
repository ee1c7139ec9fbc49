"""What a log of files says up to a frame, without what later frames replaced: a fresh reader begins with it.

journal/snapshot   CRC-32 of the rest (uint32), how many bytes of the log it stands for (uint64, both little-endian),
                   then msgpack of `Snapshot`; written when the log has grown, and never needed: the log has all of it
"""

import logging
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from embedding.durable_files import write_durably
from indexing.state.record_kinds import key_of, kind_of
from indexing.state.records import Change, Frame

_log = logging.getLogger("nearfield.journal")

FILE = "snapshot"
_HEADER = struct.Struct("<IQ")
_CRC_BYTES = 4


class Mark(Struct, frozen=True, array_like=True):
    """Tells one log from another by a frame of it: where that begins, and its header, which has its body's CRC."""

    begins: int
    header: bytes

    def is_in(self, log: BinaryIO) -> bool:
        """Whether `log` has that frame; where it stands in the file changes."""
        log.seek(self.begins)
        return log.read(len(self.header)) == self.header


class Snapshot(Struct, frozen=True, array_like=True):
    """`frames` are what the log says up to the frame of `mark`."""

    mark: Mark
    frames: tuple[Frame, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


def read_snapshot(log: Path) -> tuple[int, Snapshot] | None:
    """How many bytes of `log` the snapshot beside it stands for, and the snapshot.

    None where there is none, or none that can be used, which is logged.
    """
    path = log.with_name(FILE)
    try:
        data = path.read_bytes()
        if len(data) < _HEADER.size or _HEADER.unpack_from(data)[0] != zlib.crc32(data[_CRC_BYTES:]):
            raise ValueError("its checksum differs")
        offset = int(_HEADER.unpack_from(data)[1])
        snapshot = _decoder.decode(data[_HEADER.size :])
        with log.open("rb") as file:
            if log.stat().st_size < offset or not snapshot.mark.is_in(file):
                raise ValueError("it is of another log")
    except FileNotFoundError:
        return None
    except (ValueError, msgspec.DecodeError) as error:
        _log.warning("%s is left out, and the whole log read, which takes longer: %s", path, error)
        return None
    return offset, snapshot


def covered(log: Path) -> int:
    """How many bytes of `log` the snapshot beside it stands for, 0 where there is none."""
    try:
        with log.with_name(FILE).open("rb") as file:
            header = file.read(_HEADER.size)
    except FileNotFoundError:
        return 0
    return int(_HEADER.unpack(header)[1]) if len(header) == _HEADER.size else 0


def write_snapshot(log: Path, offset: int, snapshot: Snapshot) -> None:
    """Keep `snapshot`, which is what the first `offset` bytes of `log` say."""
    data = _encoder.encode(snapshot)
    checked = struct.pack("<Q", offset) + data
    write_durably(log.with_name(FILE), struct.pack("<I", zlib.crc32(checked)) + checked)


def remove_snapshot(log: Path) -> None:
    """Before the log itself becomes another one."""
    log.with_name(FILE).unlink(missing_ok=True)


def folded(frames: Iterable[Frame]) -> Sequence[Frame]:
    """Frames, oldest first, without the changes that later ones replaced; the last one stays, if with none."""
    by_key: dict[str, list[tuple[Frame, int, Change]]] = {}
    last: Frame | None = None
    for frame in frames:
        # Without its changes: they go as they are replaced.
        last = Frame(frame.seq, frame.at, ())
        for place, change in enumerate(frame.changes):
            kept = by_key.setdefault(key_of(change), [])
            if kind_of(change).replaces:
                # Of one frame all stay, in their order.
                kept[:] = [one for one in kept if one[0].seq == frame.seq]
            kept.append((last, place, change))
    if last is None:
        return ()
    of_frame: dict[int, tuple[Frame, list[tuple[int, Change]]]] = {last.seq: (last, [])}
    for kept in by_key.values():
        for frame, place, change in kept:
            of_frame.setdefault(frame.seq, (frame, []))[1].append((place, change))
    result: list[Frame] = []
    before = 0
    for seq, (frame, placed) in sorted(of_frame.items()):
        changes = tuple(change for _, change in sorted(placed, key=lambda one: one[0]))
        result.append(Frame(seq, frame.at, changes, None if seq == before + 1 else before))
        before = seq
    return result
