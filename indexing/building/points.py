"""Items become points: encoded, put through the candidate tower, written to the columns and to the store."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedding.progress import Advance, Reporter
from embedding.protocols import Vectors
from embedding.rows.schema import Item
from embedding.text.item_text import TEXT_FIELDS
from embedding.text.passages import passage_text, passages_of
from embedding.text.text_vectors import TextVectors
from indexing.columns.arrangement_features import ArrangementFeaturesWriter
from indexing.columns.columns import Columns, ColumnsWriter, row_hashes
from indexing.columns.field_columns import FieldColumnsWriter
from indexing.columns.presorted import PresortedListsWriter
from indexing.payload.availability import AvailabilityClasses
from indexing.payload.payload import Payload, payload_of
from indexing.release.passages import PASSAGES, Passages, PassagesWriter, passages_collection
from indexing.stores.contract import CollectionSchema, PointBatch, VectorStore
from indexing.words.bm25 import BM25, words_of
from indexing.words.sparse import SparseRows

if TYPE_CHECKING:
    from embedding.towers.model import Towers

# Rows read and written at a time, as the readers give them.
_BATCH = 4_096


class PointsWriter:
    """Writes one release's points batch by batch, in bounded memory."""

    def __init__(
        self,
        folder: Path,
        store: VectorStore,
        texts: TextVectors,
        towers: "Towers | None",
        extra_fields: tuple[str, ...],
    ) -> None:
        self._folder, self._store = folder, store
        self.extra_fields = extra_fields
        self._texts, self._towers = texts, towers
        self.dims: dict[str, int] = {} if towers is None else {"tower": towers.dims}
        text_fields: tuple[str, ...] = ()
        if texts.encoder_hash is not None:
            self.dims["text"] = texts.dims
            text_fields = TEXT_FIELDS
        tower_fields = () if towers is None else towers.input_fields
        # The text encoder's fields first, then the candidate tower's.
        self.input_fields: tuple[str, ...] = tuple(dict.fromkeys((*text_fields, *tower_fields)))
        self.num_kind: Counter[str] = Counter()
        self.num_passages = 0
        self._classes = AvailabilityClasses()
        self._fields = FieldColumnsWriter(extra_fields)
        self._presorted = PresortedListsWriter()
        self._features = ArrangementFeaturesWriter()

    async def write(
        self,
        batches: Iterator[list[Item]],
        popularity: NDArray[np.float32],
        reporter: Reporter,
        *,
        total: int,
        num_passages: int,
    ) -> None:
        """Write all items, `total` of them, with so many passages; `popularity` (N,) stands in where a row has none."""
        await self._store.create(self._folder.name, schema_of(self.dims, self.extra_fields))
        columns = self._folder / "columns"
        with ExitStack() as files:
            writer = files.enter_context(ColumnsWriter(columns, self.dims))
            passages = files.enter_context(PassagesWriter(self._folder, self._texts.dims))
            with (
                reporter.stage("encode", total + num_passages) as encoded,
                reporter.stage("write points", total) as upserted,
            ):
                made = self._made(batches, popularity, writer, passages, encoded)
                # One batch is read and encoded in a thread while the one before it is written: two are held at most.
                waiting = asyncio.create_task(asyncio.to_thread(next, made, None))
                while batch := await waiting:
                    waiting = asyncio.create_task(asyncio.to_thread(next, made, None))
                    try:
                        await self._store.upsert(self._folder.name, batch)
                    finally:
                        # The thread works on files that are closed when this is left.
                        await asyncio.wait([waiting])
                    upserted(len(batch.rows))
            with reporter.stage("write columns"):
                files.close()
                (columns / "classes.msgpack").write_bytes(self._classes.dump())
                self._fields.save(columns)
                self._presorted.save(columns)
                self._features.save(columns)
        self.num_passages = len(passages)
        await write_passage_points(self._folder, self._store, self.extra_fields, reporter)

    def _made(
        self,
        batches: Iterator[list[Item]],
        popularity: NDArray[np.float32],
        writer: ColumnsWriter,
        passages: PassagesWriter,
        advance: Advance,
    ) -> Iterator[PointBatch]:
        """The batches as points; their columns are written on the way."""
        start = 0
        for items in batches:
            rows = range(start, start + len(items))
            start += len(items)
            vectors = self._vectors(items, advance)
            payloads = [self._payload(item, float(popularity[row])) for item, row in zip(items, rows, strict=True)]
            words = SparseRows.of([words_of(item) for item in items])
            writer.append(payloads, [row_hashes(item, self.input_fields) for item in items], vectors, words)
            self._fields.add(payloads)
            self._presorted.add(payloads)
            self._features.add(payloads)
            self.num_kind.update(item.kind for item in items)
            if self._texts.encoder_hash is not None:
                self._write_passages(items, rows, passages, advance)
            yield PointBatch(rows, vectors, payloads, {BM25: words}, self.extra_fields)

    def _write_passages(self, items: list[Item], rows: range, writer: PassagesWriter, advance: Advance) -> None:
        found = (
            (row, passage, passage_text(item, passage))
            for row, item in zip(rows, items, strict=True)
            for passage in passages_of(item)
        )
        # One item may have thousands.
        while batch := list(islice(found, _BATCH)):
            of_rows, offsets, texts = zip(*batch, strict=True)
            writer.append(of_rows, offsets, self._texts.of_texts(texts, advance))

    def _vectors(self, items: list[Item], advance: Advance) -> dict[str, Vectors]:
        made = {"text": self._texts(items, advance)}
        if self._towers is not None:
            made["tower"] = self._towers.encode_items(items, made["text"])
        return {space: made[space] for space in self.dims}

    def _payload(self, item: Item, derived_popularity: float) -> Payload:
        popularity = derived_popularity if item.popularity is None else item.popularity
        return payload_of(item, self._classes.add(item.availability), popularity)


def schema_of(dims: dict[str, int], extra_fields: tuple[str, ...]) -> CollectionSchema:
    """The collection of a release whose dense vectors have these lengths."""
    return CollectionSchema(dims, (BM25,), extra_fields)


async def write_points_again(
    folder: Path, store: VectorStore, dims: dict[str, int], extra_fields: tuple[str, ...], reporter: Reporter
) -> None:
    """Write the points of columns and passages that are whole: nothing is encoded, no tower is asked."""
    columns = Columns(folder / "columns")
    await store.create(folder.name, schema_of(dims, extra_fields))
    with reporter.stage("write points", len(columns)) as advance:
        for start in range(0, len(columns), _BATCH):
            rows = range(start, min(start + _BATCH, len(columns)))
            await store.upsert(folder.name, point_batch(columns, dims, extra_fields, rows))
            advance(len(rows))
    await write_passage_points(folder, store, extra_fields, reporter)


async def write_passage_points(
    folder: Path, store: VectorStore, extra_fields: tuple[str, ...], reporter: Reporter
) -> None:
    """Write the points of the passages in `folder`, where there are any."""
    passages = Passages.of(folder, Columns(folder / "columns"))
    if passages is None:
        return
    collection = passages_collection(folder.name)
    await store.create(collection, CollectionSchema({PASSAGES: passages.dims}, extra_fields=extra_fields))
    with reporter.stage("write passages", len(passages)) as advance:
        for start in range(0, len(passages), _BATCH):
            rows = range(start, min(start + _BATCH, len(passages)))
            await store.upsert(collection, passage_batch(passages, extra_fields, rows))
            advance(len(rows))


def point_batch(
    columns: Columns, dims: dict[str, int], extra_fields: tuple[str, ...], rows: Sequence[int]
) -> PointBatch:
    """The points of some rows of the columns, as a build writes them."""
    at = np.array(rows, np.int64)
    vectors = {space: np.asarray(columns.vectors(space)[at]) for space in dims}
    payloads = [columns.payload(row) for row in rows]
    return PointBatch(rows, vectors, payloads, {BM25: columns.words.rows.take(at)}, extra_fields)


def passage_batch(passages: Passages, extra_fields: tuple[str, ...], rows: Sequence[int]) -> PointBatch:
    """The points of some passages, as a build writes them."""
    vectors = {PASSAGES: np.asarray(passages.vectors(PASSAGES)[np.array(rows, np.int64)])}
    return PointBatch(rows, vectors, [passages.payload(row) for row in rows], extra_fields=extra_fields)
