"""The embedded store of commands that build: a collection is written and optimised by a process of its own.

The engine holds the interpreter lock in every call, so that a thread would gain nothing; beside another process the
next rows are read and encoded while the last ones are written, and the one that was asked still answers Ctrl-C while
the graphs are built. At most three batches are on their way.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
from msgspec import Struct

from indexing.errors import StoreError
from indexing.payload.payload import Payload
from indexing.stores.contract import CollectionSchema, PointBatch
from indexing.stores.edge import EdgeStore
from indexing.stores.hnsw import HnswSettings
from indexing.words.sparse import SparseRows

_PR_SET_PDEATHSIG = 1
_LENGTH_BYTES = 8


class _Create(Struct, frozen=True, tag="create", array_like=True):
    schema: CollectionSchema


class _Upsert(Struct, frozen=True, tag="upsert", array_like=True):
    start: int
    payloads: list[Payload]
    vectors: dict[str, bytes]
    # Ends, indices and values of each.
    sparse: dict[str, tuple[bytes, bytes, bytes]]


class _Optimise(Struct, frozen=True, tag="optimise", array_like=True):
    pass


class _Told(Struct, frozen=True, array_like=True):
    """What came of an order: None, or why it could not be done."""

    reason: str | None


_Order = _Create | _Upsert | _Optimise
_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(_Order)
_told = msgspec.msgpack.Decoder(_Told)


class SubprocessEdgeStore(EdgeStore):
    """As EdgeStore; a collection that was created here can be read once it is optimised."""

    def __init__(self, folder: Path, hnsw: HnswSettings | None = None) -> None:
        super().__init__(folder, hnsw)
        self._writers: dict[str, _Writer] = {}

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        writer = self._writers[collection] = _Writer(self._folder, collection, self._hnsw)
        try:
            await writer.order(_Create(schema))
        except StoreError:
            self._end(collection)
            raise

    async def upsert(self, collection: str, points: PointBatch) -> None:
        writer = self._writers.get(collection)
        if writer is None:
            await super().upsert(collection, points)
            return
        vectors = {name: np.ascontiguousarray(matrix, "<f4").tobytes() for name, matrix in points.vectors.items()}
        sparse = {
            name: (rows.ends.astype("<i8").tobytes(), rows.indices.astype("<u4").tobytes(), rows.values.tobytes())
            for name, rows in points.sparse.items()
        }
        await writer.send(_Upsert(points.rows[0], list(points.payloads), vectors, sparse))

    async def optimise(self, collection: str) -> None:
        writer = self._writers.get(collection)
        if writer is None:
            await super().optimise(collection)
            return
        await writer.order(_Optimise())
        self._end(collection)
        await self.open(collection)

    async def drop(self, collection: str) -> None:
        self._end(collection)
        await super().drop(collection)

    async def close(self) -> None:
        for collection in list(self._writers):
            self._end(collection)
        await super().close()

    def _end(self, collection: str) -> None:
        writer = self._writers.pop(collection, None)
        if writer is not None:
            writer.end()


class _Writer:
    """The process that writes one collection: orders go to its standard input, what came of them comes back."""

    def __init__(self, folder: Path, collection: str, hnsw: HnswSettings) -> None:
        arguments = [str(folder), collection, msgspec.json.encode(hnsw).decode()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._collection = collection
        self._sending: asyncio.Future[None] | None = None

    async def order(self, order: _Order) -> None:
        """Have all orders done, this one too; StoreError with the reason when one could not be."""
        await self.send(order)
        await self._sent()
        await asyncio.to_thread(self._hear)

    async def send(self, order: _Order) -> None:
        """Pass an order on, and wait for no more than that the one before it was taken."""
        data = _encoder.encode(order)
        await self._sent()
        self._sending = asyncio.ensure_future(asyncio.to_thread(_put, _pipe(self._process.stdin), data))

    async def _sent(self) -> None:
        sending, self._sending = self._sending, None
        if sending is None:
            return
        try:
            await sending
        except BrokenPipeError:
            # It ended early: what it said last tells why.
            await asyncio.to_thread(self._hear)

    def _hear(self) -> None:
        data = _get(_pipe(self._process.stdout))
        if data is None:
            raise StoreError(
                f"the process that wrote collection {self._collection!r} ended with {self._process.wait()} (for -9: "
                "was there too little memory?). Run the same command again."
            )
        reason = _told.decode(data).reason
        if reason is not None:
            raise StoreError(reason)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process has no such pipe")
    return pipe


def _put(pipe: IO[bytes], data: bytes) -> None:
    view = memoryview(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
    while view:
        view = view[pipe.write(view) :]


def _get(pipe: IO[bytes]) -> bytes | None:
    """The next message, None where the other end is closed."""
    size = _exactly(pipe, _LENGTH_BYTES)
    return None if size is None else _exactly(pipe, int.from_bytes(size, "little"))


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = pipe.read(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


def main() -> None:
    """What the process does; it ends when the other end is closed, and is killed with the process there."""
    # Ctrl-C reaches the whole group; it is the other process that decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("this system does not end a process with the one that started it")
    folder, collection, hnsw = sys.argv[1:]
    # The engine may print: its words are no answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    store = EdgeStore(Path(folder), msgspec.json.decode(hnsw, type=HnswSettings))
    asyncio.run(_follow(sys.stdin.buffer, answers, store, collection))


async def _follow(orders: IO[bytes], answers: IO[bytes], store: EdgeStore, collection: str) -> None:
    made = CollectionSchema({})
    while data := _get(orders):
        order = _orders.decode(data)
        try:
            match order:
                case _Create(schema):
                    made = schema
                    await store.create(collection, schema)
                case _Upsert(start, payloads, vectors, sparse):
                    matrices = {
                        name: np.frombuffer(vectors[name], "<f4").reshape(-1, dims)
                        for name, dims in made.vectors.items()
                    }
                    words = {
                        name: SparseRows(
                            np.frombuffer(ends, "<i8"), np.frombuffer(indices, "<u4"), np.frombuffer(values, "<f4")
                        )
                        for name, (ends, indices, values) in sparse.items()
                    }
                    rows = range(start, start + len(payloads))
                    await store.upsert(collection, PointBatch(rows, matrices, payloads, words, made.extra_fields))
                    continue
                case _Optimise():
                    await store.optimise(collection)
                    await store.close()
        except StoreError as error:
            _put(answers, _encoder.encode(_Told(str(error))))
            return
        _put(answers, _encoder.encode(_Told(None)))


if __name__ == "__main__":
    main()
