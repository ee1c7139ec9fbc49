"""A state as a whole, read from one place and written to another, under the same name and with the same numbers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from embedding.durable_files import write_durably
from embedding.errors import BusyError
from indexing.errors import StateError
from indexing.rules.reading import anything
from indexing.state.contract import Activation, StateStore
from indexing.state.file_key import FILE as KEY_FILE
from indexing.state.file_log import FileLog, moved_away
from indexing.state.files import BEGINS, MOVED, MOVING, FilesState
from indexing.state.records import Frame, Moved


class StateCopy(Struct, frozen=True, kw_only=True):
    """All that a state holds; `rules` are the accepted file's bytes, None where none ever was."""

    id: str
    frames: Sequence[Frame]
    live: str | None
    activations: Sequence[Activation]
    rules: bytes | None
    cursor_key: bytes
    # The number up to which the log has been cut.
    begins: int = 0

    @property
    def end(self) -> int:
        """Number of the last frame."""
        return self.frames[-1].seq if self.frames else 0


class StatePlace(Protocol):
    """Where a state can be read as a whole and written as a whole; `name` is for a person."""

    name: str

    async def read(self) -> StateCopy:
        """All of it; StateError where it was moved away before."""

    async def holds(self) -> tuple[str, int] | None:
        """The name and the last number of the state that is there; None where there is none yet."""

    async def write(self, copy: StateCopy) -> None:
        """Write all of it, where there is none yet."""

    async def leave(self, where: str, end: int) -> None:
        """Say that the state is at `where` now: whoever opens it here is told so.

        StateError where the log here has gone beyond `end`: what was added is not there.
        """


class FilesPlace:
    """The data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.name = str(data_dir)
        self._data_dir = data_dir
        self._log = FileLog(data_dir / "journal")
        self._moved = data_dir / MOVED
        self._moving = data_dir / MOVING
        self._state = FilesState(data_dir, also_moved=True)

    async def read(self) -> StateCopy:
        if self._moved.exists():
            raise moved_away(self._data_dir, self._moved.read_text().strip())
        # A move that was killed may have ended the log already.
        frames = [
            frame for frame in self._log.reader().read() if not any(isinstance(one, Moved) for one in frame.changes)
        ]
        return StateCopy(
            id=await self._state.id(),
            frames=frames,
            live=await self._state.live(),
            activations=await self._state.activations(),
            rules=await self._state.rules_data(),
            cursor_key=await self._state.cursor_key(),
            begins=await self._state.begins(),
        )

    async def holds(self) -> tuple[str, int] | None:
        if self._moved.exists() or self._moving.exists():
            # Whatever is left of it, or is here so far.
            return None
        live, end = await self._state.live(), await self._state.end()
        return (await self._state.id(), end) if live or end else None

    async def write(self, copy: StateCopy) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        write_durably(self._moving, b"")
        (self._data_dir / "live").unlink(missing_ok=True)
        write_durably(self._data_dir / "state.id", f"{copy.id}\n".encode())
        write_durably(self._data_dir / KEY_FILE, copy.cursor_key)
        if copy.rules is None:
            (self._data_dir / "rules" / "accepted").unlink(missing_ok=True)
        else:
            await self._state.accept(copy.rules, "the rules of the state", anything)
        lines = b"".join(msgspec.json.encode(activation) + b"\n" for activation in copy.activations)
        write_durably(self._data_dir / "activations.jsonl", lines)
        self._log.restore(copy.frames)
        if copy.begins:
            write_durably(self._data_dir / BEGINS, f"{copy.begins}\n".encode())
        else:
            (self._data_dir / BEGINS).unlink(missing_ok=True)
        if copy.live is not None:
            write_durably(self._data_dir / "live", f"{copy.live}\n".encode())
        self._moved.unlink(missing_ok=True)
        # Last: without it, the state is there.
        self._moving.unlink()

    async def leave(self, where: str, end: int) -> None:
        # Services that run over these files stop answering by them; older ones too, which cannot read this.
        await asyncio.to_thread(self._log.end_with, Moved(where), end)
        write_durably(self._moved, f"{where}\n".encode())


async def move(source: StatePlace, target: StatePlace) -> StateCopy:
    """Bring a state over: read, written, and only then ended where it was; what was moved.

    A move that was killed half way is gone on with. BusyError where the target has another state already.
    """
    copy = await source.read()
    there = await target.holds()
    if there is None:
        await target.write(copy)
    elif there != (copy.id, copy.end):
        raise BusyError(
            f"{target.name} holds a state already ({there[0]}, {there[1]} changes), and it is not what is moved from "
            f"{source.name} ({copy.id}, {copy.end} changes). Two states cannot be made one: empty it, if that is meant."
        )
    written = await target.holds()
    if copy.frames and written is None:
        raise StateError(f"{target.name} is empty after all was written to it: nothing was ended at {source.name}")
    await source.leave(target.name, copy.end)
    return copy


async def refuse_while_built(state: StateStore) -> None:
    """BusyError while a build runs: what it began by would be moved away under it."""
    holder = await state.build_holder()
    if holder is not None:
        raise BusyError(f"The build lock is held by {holder}. Wait for it to end, or stop it; nothing was moved.")
