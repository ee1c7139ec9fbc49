"""States that are moved in tests, what they say, and what builds of before read of them."""

import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from indexing.journal.takedowns import lift, take_down
from indexing.rules.reading import anything
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.copies import StatePlace
from indexing.state.files import FilesState
from indexing.state.postgres import PostgresState
from indexing.state.postgres_copy import PostgresPlace
from indexing.state.records import Change, Encoded, Lifted, Put, Removed, TakenDown
from tests.indexing.state.contract import FIRST, SECOND, row
from tests.indexing.state.leases import Database

RULES = b'# What the lawyers want.\n[blocked]\nitems = ["x"]\n'
OTHER_RULES = b'[blocked]\nitems = ["y"]\n'


async def fill(state: StateStore) -> None:
    """Some of everything: rows, takedowns, rules, switches."""
    await state.append([row("a"), row("b")])
    await take_down(state, ["b", "c"], "ops", "a claim")
    await lift(state, ["c"])
    await state.append([Encoded("a", {}, {"model": b"1234"})])
    await state.append([Removed("b")])
    await state.accept(RULES, "rules.toml", anything)
    await state.switch(FIRST)
    await state.switch(SECOND)


async def said(state: StateStore) -> dict[str, object]:
    """What whoever uses a state can know of it; of each row and id the last word, under its number."""
    rows: dict[str, list[tuple[int, Change]]] = {}
    ids: dict[str, tuple[int, Change]] = {}
    for frame in await state.reader().fresh():
        for change in frame.changes:
            match change:
                case Put():
                    rows[change.item.id] = [(frame.seq, change)]
                case Removed():
                    rows[change.id] = [(frame.seq, change)]
                case Encoded():
                    rows[change.id].append((frame.seq, change))
                case TakenDown() | Lifted():
                    ids[change.id] = frame.seq, change
                case _:
                    pass
    return {
        "id": await state.id(),
        "key": await state.cursor_key(),
        "live": await state.live(),
        "activations": await state.activations(),
        "rules": await state.rules(),
        "rows": rows,
        "ids": ids,
    }


class Places:
    """A data folder and a database, and the settings that name both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database()
        self.settings = IndexingSettings(data_dir=folder, state_url=self.database.url, host_name="host-1")

    def files(self) -> FilesState:
        return FilesState(self.folder)

    def place(self) -> PostgresPlace:
        state = PostgresState(self.database.url, "host-1", also_moved=True)
        self.database._opened.append(state)
        return PostgresPlace(state)


class Stopping:
    """A place whose `method` ends the move before or after it, as a kill would."""

    def __init__(self, place: StatePlace, method: str, *, after: bool) -> None:
        self.name, self._place, self._method, self._after = place.name, place, method, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._place, name)
        if name != self._method:
            return real

        async def stops(*given: Any) -> None:
            if self._after:
                await real(*given)
            raise KeyboardInterrupt

        return stops


OldChange = Put | Removed | TakenDown | Lifted | Encoded


class OldFrame(Struct, frozen=True, array_like=True):
    """As a build of before had it."""

    seq: int
    at: str
    changes: tuple[OldChange, ...]


def old_frames(data: bytes) -> list[OldFrame]:
    """What a build of before reads; msgspec.ValidationError where it stops."""
    frames, header = [], struct.Struct("<II")
    decoder = msgspec.msgpack.Decoder(OldFrame)
    while data:
        length, crc = header.unpack_from(data)
        body = data[header.size : header.size + length]
        assert zlib.crc32(body) == crc
        frames.append(decoder.decode(body))
        data = data[header.size + length + len(b"\nend") :]
    return frames
