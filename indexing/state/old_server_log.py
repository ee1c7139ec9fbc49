"""The journal as a collection of its own on the Qdrant server: one point a frame, its number the point's id.

PREFIX-journal   the collection; a prefix has no dot in it, so no release's collection can have that name

To append is to insert under the next number, without overwriting, and to read back who was first.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

import msgspec
from qdrant_client import AsyncQdrantClient, models

from embedding.errors import DamagedError
from indexing.errors import CollectionMissingError, StoreError
from indexing.state.records import Change, Frame
from indexing.stores.server import ServerStore
from indexing.stores.server_errors import ask
from indexing.stores.sharding import Sharding

# Frames of up to 100 rows with their vectors are .3 MB each; a server sends 32 MB at most.
_PAGE = 50
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


class ServerReader:
    """Reads the collection from its first point."""

    def __init__(self, client: AsyncQdrantClient, collection: str) -> None:
        self._client = client
        self._collection = collection
        self._seq = 0
        # Two requests may look at once; the second waits for what the first finds.
        self._lock = asyncio.Lock()

    async def fresh(self) -> Sequence[Frame]:
        """As JournalReader; a look that finds nothing costs one question to the server."""
        frames: list[Frame] = []
        async with self._lock:
            while len(page := await self._page()) == _PAGE:
                frames += page
            frames += page
        return frames

    async def _page(self) -> list[Frame]:
        try:
            points, _ = await ask(
                self._client.scroll(
                    self._collection,
                    limit=_PAGE,
                    offset=self._seq + 1,
                    with_payload=True,
                    with_vectors=False,
                ),
                "read the journal",
            )
        except CollectionMissingError:
            if self._seq:
                raise
            return []
        return [self._frame(point) for point in points]

    def _frame(self, point: models.Record) -> Frame:
        expected = self._seq + 1
        try:
            frame = _decoder.decode(b64decode((point.payload or {})["frame"], validate=True))
            if not expected == frame.seq == point.id:
                raise ValueError(f"it says number {frame.seq}")
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            raise DamagedError(
                f"Collection {self._collection} is damaged: frame {expected} cannot be read from point {point.id} "
                f"({error}). Restore it from a snapshot: it holds takedowns and changes that no release has."
            ) from error
        self._seq = expected
        return frame


class ServerLog:
    """The log in collection `PREFIX-journal`; any number of hosts may append and read.

    It has as many replicas as `sharding` says, and one shard: it is small, and each further one would be asked at every
    look.
    """

    def __init__(self, client: AsyncQdrantClient, prefix: str, sharding: Sharding | None = None) -> None:
        self._client = client
        self._sharding = sharding or Sharding()
        self._collection = f"{prefix}-journal"

    @classmethod
    def beside(cls, store: ServerStore) -> Self:
        """The log that belongs to a store's prefix, on the same server and through the same client."""
        return cls(store.client, store.prefix, store.sharding)

    def reader(self) -> ServerReader:
        """A reader of its own place, at the beginning."""
        return ServerReader(self._client, self._collection)

    async def end(self) -> int:
        """Number of the last frame, 0 where there is none."""
        try:
            counted = await ask(self._client.count(self._collection, exact=True), "count the journal")
        except CollectionMissingError:
            return 0
        return counted.count

    async def append(self, changes: Sequence[Change]) -> int:
        """As JournalLog; tries the next number until nobody else has taken it before."""
        await self._make()
        seq = await self.end()
        writer = uuid4().hex
        while True:
            seq += 1
            frame = Frame(seq, datetime.now(UTC).isoformat(timespec="milliseconds"), tuple(changes))
            data = b64encode(_encoder.encode(frame)).decode()
            point = models.PointStruct(id=seq, vector={}, payload={"frame": data, "writer": writer})
            await ask(
                self._client.upsert(
                    self._collection,
                    [point],
                    wait=True,
                    ordering=models.WriteOrdering.STRONG,
                    update_mode=models.UpdateMode.INSERT_ONLY,
                ),
                "write to the journal",
            )
            kept = await ask(
                self._client.retrieve(self._collection, [seq], with_payload=["writer"], with_vectors=False),
                "read the journal back",
            )
            if not kept:
                raise StoreError(f"frame {seq} was written to {self._collection}, and is not there")
            if (kept[0].payload or {}).get("writer") == writer:
                return seq

    async def _make(self) -> None:
        if await ask(self._client.collection_exists(self._collection), "look for the journal"):
            return
        try:
            await ask(
                self._client.create_collection(
                    self._collection,
                    vectors_config={},
                    shard_number=1,
                    replication_factor=self._sharding.replicas,
                    write_consistency_factor=1,
                ),
                "make the journal",
            )
        except StoreError:
            # Another host may have made it in the meantime.
            if not await ask(self._client.collection_exists(self._collection), "look for the journal"):
                raise
