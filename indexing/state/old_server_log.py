"""What an older Nearfield kept on the Qdrant server: its journal as a collection, the live release as an alias.

PREFIX-journal   one point a frame, its number the point's id
PREFIX-live      the alias of the live release's collection, PREFIX.RELEASE

Read once, to be moved to where the state lies now (`nearfield state move qdrant`), and ended.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace
from qdrant_client import AsyncQdrantClient, models

from embedding.errors import DamagedError
from indexing.errors import CollectionMissingError, StateError
from indexing.state.copies import FilesPlace, StateCopy
from indexing.state.file_log import gone_on
from indexing.state.records import Frame, Moved
from indexing.stores.server import ServerStore
from indexing.stores.server_errors import ask

# Frames of up to 100 rows with their vectors are .3 MB each; a server sends 32 MB at most.
_PAGE = 50
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


class OldServerPlace:
    """The journal and the alias of a prefix; keys, rules and switches lay in the data folder, and come from there."""

    def __init__(self, store: ServerStore, beside: FilesPlace) -> None:
        self._client: AsyncQdrantClient = store.client
        self._prefix = store.prefix
        self._beside = beside
        self._collection = f"{store.prefix}-journal"
        self.name = f"the collection {self._collection}"

    async def read(self) -> StateCopy:
        frames = await _frames(self._client, self._collection)
        moved = [change.where for frame in frames for change in frame.changes if isinstance(change, Moved)]
        if moved:
            raise StateError(f"{self.name} was moved to {moved[0]} before: there is nothing to move from it any more")
        beside = await self._beside.read()
        if beside.frames and list(beside.frames) != list(frames):
            raise StateError(
                f"{self._beside.name} has a journal of its own, of {len(beside.frames)} changes, beside {self.name}: "
                "two logs cannot be made one. Move that folder's journal away if it is not in use"
            )
        live = await self._live()
        if not frames and live is None:
            raise StateError(
                f"there is neither {self.name} nor a live release of prefix {self._prefix}: nothing to move"
            )
        return replace(beside, frames=frames, live=live)

    async def holds(self) -> tuple[str, int] | None:
        """Never written to."""
        return None

    async def write(self, copy: StateCopy) -> None:
        raise StateError(f"a state of {copy.end} changes cannot be moved to {self.name}: it keeps none any more")

    async def leave(self, where: str, end: int) -> None:
        number = end + 1
        if end == 0 and not await ask(self._client.collection_exists(self._collection), "look for the old journal"):
            # Nothing was ever changed; whoever would begin to must not either.
            await ask(self._client.create_collection(self._collection, vectors_config={}), "end the old journal")
        frame = Frame(number, datetime.now(UTC).isoformat(timespec="milliseconds"), (Moved(where),))
        point = models.PointStruct(
            id=number, vector={}, payload={"frame": b64encode(_encoder.encode(frame)).decode(), "writer": "moved"}
        )
        ending = self._client.upsert(self._collection, [point], wait=True, update_mode=models.UpdateMode.INSERT_ONLY)
        await ask(ending, "end the old journal")
        frames = await _frames(self._client, self._collection)
        if not any(isinstance(change, Moved) for change in frames[-1].changes):
            raise gone_on(self.name, end, len(frames))

    async def _live(self) -> str | None:
        answer = await ask(self._client.get_aliases(), "read the live alias")
        for alias in answer.aliases:
            if alias.alias_name == f"{self._prefix}-live":
                return alias.collection_name.removeprefix(f"{self._prefix}.")
        return None


async def unmoved_frames(store: ServerStore) -> int:
    """How many frames of an old journal lie beside a store that were not moved; 0 where there is none."""
    frames = await _frames(store.client, f"{store.prefix}-journal")
    return 0 if any(isinstance(change, Moved) for frame in frames for change in frame.changes) else len(frames)


async def _frames(client: AsyncQdrantClient, collection: str) -> Sequence[Frame]:
    frames: list[Frame] = []
    while True:
        try:
            points, _ = await ask(
                client.scroll(
                    collection,
                    limit=_PAGE,
                    offset=len(frames) + 1,
                    with_payload=True,
                    with_vectors=False,
                    # Of several copies one may lack what another has.
                    consistency=models.ReadConsistencyType.ALL,
                ),
                "read the old journal",
            )
        except CollectionMissingError:
            return []
        frames += [_frame(point, len(frames) + 1 + place, collection) for place, point in enumerate(points)]
        if len(points) < _PAGE:
            return frames


def _frame(point: models.Record, expected: int, collection: str) -> Frame:
    try:
        frame = _decoder.decode(b64decode((point.payload or {})["frame"], validate=True))
        if not expected == frame.seq == point.id:
            raise ValueError(f"it says number {frame.seq}")
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise DamagedError(
            f"Collection {collection} is damaged: frame {expected} cannot be read from point {point.id} ({error}). "
            "Restore it from a snapshot: it holds takedowns and changes that no release has."
        ) from error
    return frame
