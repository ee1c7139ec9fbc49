"""What every vector store does, whichever engine answers: a suite to subclass with a world of its collections."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from indexing.errors import CollectionMissingError, StoreError
from indexing.filters.algebra import EVERYTHING, All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.predicate import predicate
from indexing.stores.contract import CollectionSchema, PointBatch, SearchParams, VectorStore
from indexing.stores.hnsw import HnswSettings
from indexing.words.sparse import Sparse
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE
from tests.indexing.made_points import (
    BARE,
    CLASS_A,
    CLASS_B,
    JAZZ,
    OLD,
    PAYLOADS,
    POD,
    SCHEMA,
    points_of,
    unit_vectors,
)
from tests.indexing.stores.made_words import made_words, score_of

EXACT = SearchParams(exact=True)
SEARCHES = (EXACT, SearchParams(), SearchParams(ef=256), SearchParams(ef=64, acorn=True))


class Stores(Protocol):
    """A world of collections, empty at first."""

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        """One more store on this world, as another process would have it; its user closes it."""


def in_a_store(stores: Stores, work: Callable[[VectorStore], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        store = stores.open()
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


async def filled(store: VectorStore, name: str = "c") -> PointBatch:
    points = points_of(PAYLOADS)
    await store.create(name, SCHEMA)
    await store.upsert(name, points)
    await store.optimise(name)
    return points


async def refusal(call: Awaitable[object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await call
    return caught.value


FILTERS: list[tuple[Filter, set[int]]] = [
    (EVERYTHING, {JAZZ, POD, BARE, OLD}),
    (AnyOf(()), set()),
    (NoneOf(()), {JAZZ, POD, BARE, OLD}),
    (NoneOf((EVERYTHING,)), set()),
    (Equals("kind", "track"), {JAZZ, BARE, OLD}),
    (Equals("kind", "radio"), set()),
    (Equals("tags", "jazz"), {JAZZ, OLD}),
    (Equals("availability_class", CLASS_A), {JAZZ, OLD}),
    (Equals("explicit", 0), {JAZZ}),
    (Equals("explicit", 2), {BARE, OLD}),
    (Equals("creator_keys", "cy"), {JAZZ, BARE}),
    (Equals("creator_keys", "ana b"), {JAZZ, OLD}),
    (OneOf("availability_class", frozenset({CLASS_A, CLASS_B})), {JAZZ, POD, BARE, OLD}),
    (OneOf("languages", frozenset({"en", "it"})), {JAZZ, POD}),
    (OneOf("languages", frozenset({"en-us"})), {JAZZ}),
    (OneOf("languages", frozenset({"?"})), {BARE, OLD}),
    (OneOf("tags", frozenset({"crime", "live"})), {JAZZ, POD}),
    (OneOf("tags", frozenset[str]()), set()),
    (NoneOf((OneOf("tags", frozenset[str]()),)), {JAZZ, POD, BARE, OLD}),
    (NoneOf((OneOf("tags", frozenset({"jazz", "crime"})),)), {BARE}),
    (NoneOf((Equals("tags", "jazz"), Equals("kind", "episode"))), {BARE}),
    (Range("duration_s", gte=212.5), {JAZZ, POD}),
    (Range("duration_s", gt=212.5), {POD}),
    (Range("duration_s", gt=np.nextafter(212.5, 0)), {JAZZ, POD}),
    (Range("duration_s", lt=3600, gt=212), {JAZZ}),
    (Range("duration_s", gt=300, lt=200), set()),
    (Range("duration_s", lt=4000, lte=300), {JAZZ}),
    (Range("duration_s", lt=3600, lte=3600), {JAZZ}),
    (Range("duration_s", gt=0, gte=300), {POD}),
    (Range("duration_s", gt=212.5, gte=212.5), {POD}),
    (Range("published_at", gt=-6, gte=0, lt=1_700_000_001, lte=1_700_000_000), {JAZZ, POD}),
    (NoneOf((Range("duration_s", gte=0),)), {BARE, OLD}),
    (Range("min_age", lte=7), {JAZZ, BARE, OLD}),
    (Range("min_age", gt=0.5, lt=7.5), {OLD}),
    (Range("published_at", lt=0), {OLD}),
    (Range("published_at"), {JAZZ, POD, OLD}),
    (HasId(frozenset({JAZZ, 99})), {JAZZ}),
    (HasId(frozenset()), set()),
    (NoneOf((HasId(frozenset({JAZZ})),)), {POD, BARE, OLD}),
    (All((Equals("kind", "track"), NoneOf((Equals("tags", "live"),)), Range("min_age", lt=7))), {BARE}),
    (AnyOf((Equals("kind", "episode"), All((Equals("tags", "jazz"), Range("min_age", gt=0))))), {POD, OLD}),
    (All((AnyOf((HasId(frozenset({JAZZ})), Equals("kind", "episode"))), AnyOf(()))), set()),
]


class StoreContract:
    """Subclass it as `Test…`, with a fixture `stores` that gives an empty world."""

    @pytest.fixture
    def stores(self, data_dir: Path) -> Stores | Iterator[Stores]:
        raise NotImplementedError

    def test_counts_what_passes_each_kind_of_filter_and_finds_just_that(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            assert await store.count("c") == 4
            for where, expected in FILTERS:
                assert await store.count("c", where) == len(expected), where
                for params in SEARCHES:
                    found = await store.nearest(
                        "c",
                        points.vectors["tower"][0],
                        using="tower",
                        where=store.prepare(where),
                        limit=10,
                        params=params,
                    )
                    assert set(found.rows) == expected, (where, params)
                    assert len(found.rows) == len(expected)

        in_a_store(stores, work)

    def test_a_collection_is_created_once(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            await filled(store)
            error = await refusal(store.create("c", SCHEMA))
            assert "there already" in str(error)
            assert "drop it first" in str(error)
            assert await store.count("c") == 4

        in_a_store(stores, work)

    def test_a_row_written_again_takes_the_place_of_the_old_one(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            await filled(store)
            vectors = {name: unit_vectors(1, dims, seed=9) for name, dims in SCHEMA.vectors.items()}
            await store.upsert("c", PointBatch([POD], vectors, [PAYLOADS[JAZZ]]))
            await store.optimise("c")
            assert await store.count("c") == 4
            assert await store.count("c", Equals("kind", "episode")) == 0
            assert await store.count("c", Equals("tags", "crime")) == 0
            np.testing.assert_array_equal(await store.vectors("c", [POD], using="text"), vectors["text"])

        in_a_store(stores, work)

    def test_an_exact_search_is_numpy_s_order(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = points_of(PAYLOADS * 100)
            await store.create("c", SCHEMA)
            await store.upsert("c", points)
            await store.optimise("c")
            tracks = np.array([payload.kind == "track" for payload in points.payloads])
            for space in SCHEMA.vectors:
                for query in unit_vectors(20, SCHEMA.vectors[space], seed=5):
                    scores = points.vectors[space] @ query
                    order = np.argsort(-np.where(tracks, scores, -9.0))[:30]
                    where = store.prepare(Equals("kind", "track"))
                    found = await store.nearest("c", query, using=space, where=where, limit=30, params=EXACT)
                    np.testing.assert_allclose(found.scores, scores[order], atol=1e-6)
                    np.testing.assert_allclose(found.scores, scores[found.rows], atol=1e-6)
                    assert len(set(found.rows)) == 30

        in_a_store(stores, work)

    def test_a_search_for_words_is_exact_under_each_kind_of_filter(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = points_of(PAYLOADS * 50)
            await store.create("c", SCHEMA)
            await store.upsert("c", points)
            words = points.sparse["bm25"]
            queries = [query for query in made_words(12, num_terms=30) if len(query)]
            for optimised in (False, True):
                if optimised:
                    await store.optimise("c")
                for number, (where, _) in enumerate(FILTERS):
                    query, passes = queries[number % len(queries)], predicate(where)
                    passing = [row for row, payload in enumerate(points.payloads) if passes(row, payload)]
                    scores = {row: score_of(words.row(row), query) for row in passing}
                    best = sorted((score for score in scores.values() if score > 0), reverse=True)[:20]
                    found = await store.matching("c", query, using="bm25", where=store.prepare(where), limit=20)
                    np.testing.assert_allclose(found.scores, best, rtol=1e-4, err_msg=str(where))
                    np.testing.assert_allclose(found.scores, [scores[row] for row in found.rows], rtol=1e-4)
                    assert len(set(found.rows)) == len(found.rows)

        in_a_store(stores, work)

    def test_a_search_for_words_that_no_point_has_finds_none(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            await filled(store)
            query = Sparse(np.array([5], np.uint32), np.array([1.0], np.float32))
            assert (await store.matching("c", query, using="bm25", where=None, limit=10)).rows == []
            await refusal(store.matching("c", query, using="words", where=None, limit=1))
            await refusal(store.matching("gone", query, using="bm25", where=None, limit=1))

        in_a_store(stores, work)

    def test_a_search_without_a_filter_takes_all_points(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            query = points.vectors["tower"][POD]
            for where in (None, store.prepare(EVERYTHING)):
                found = await store.nearest("c", query, using="tower", where=where, limit=100, params=EXACT)
                assert sorted(found.rows) == [0, 1, 2, 3]
                assert found.rows[0] == POD
                assert found.scores[0] == pytest.approx(1.0)
                assert found.scores == sorted(found.scores, reverse=True)

        in_a_store(stores, work)

    def test_the_graph_finds_nearly_all_that_an_exact_search_finds(self, stores: Stores) -> None:
        async def run() -> None:
            store = stores.open(GRAPH_AT_ONCE)
            rows, dims = 2_000, 16
            vectors = unit_vectors(rows, dims)
            await store.create("c", CollectionSchema({"tower": dims}))
            payloads = [PAYLOADS[row % 4] for row in range(rows)]
            await store.upsert("c", PointBatch(range(rows), {"tower": vectors}, payloads))
            await store.optimise("c")
            half = store.prepare(OneOf("availability_class", frozenset({CLASS_A})))
            num_found = 0
            for query in unit_vectors(20, dims, seed=3):
                exact = await store.nearest("c", query, using="tower", where=half, limit=10, params=EXACT)
                graph = await store.nearest(
                    "c", query, using="tower", where=half, limit=10, params=SearchParams(ef=128)
                )
                num_found += len(set(exact.rows) & set(graph.rows))
            await store.close()
            assert num_found / 200 >= 0.97

        asyncio.run(run())

    def test_vectors_come_in_the_order_asked_for(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            asked = [OLD, JAZZ, OLD, POD]
            got = await store.vectors("c", asked, using="tower")
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, points.vectors["tower"][asked])
            assert "[77]" in str(await refusal(store.vectors("c", [JAZZ, 77], using="tower")))
            assert "without naming a row" in str(await refusal(store.vectors("c", [], using="tower")))

        in_a_store(stores, work)

    def test_collections_are_listed_hidden_and_dropped(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            assert await store.collections() == []
            for name in ("r2", "r1", ".building"):
                await store.create(name, SCHEMA)
            assert await store.collections() == ["r1", "r2"]
            await store.open(".building")
            await store.drop("r1")
            await store.drop("r1")
            await store.drop(".building")
            assert await store.collections() == ["r2"]
            with pytest.raises(CollectionMissingError):
                await store.open("r1")
            await store.create("r1", SCHEMA)
            assert await store.count("r1") == 0

        in_a_store(stores, work)

    def test_a_collection_that_is_not_there_is_said_to_be_missing(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = points_of(PAYLOADS)
            query = points.vectors["tower"][0]
            for call in (
                store.open("gone"),
                store.count("gone"),
                store.upsert("gone", points),
                store.optimise("gone"),
                store.vectors("gone", [0], using="tower"),
                store.nearest("gone", query, using="tower", where=None, limit=1, params=EXACT),
            ):
                error = await refusal(call)
                assert isinstance(error, CollectionMissingError)
                assert "gone" in str(error)

        in_a_store(stores, work)

    def test_another_process_reads_what_was_optimised(self, stores: Stores) -> None:
        async def run() -> None:
            writer = stores.open()
            points = await filled(writer)
            await writer.close()
            reader = stores.open()
            await reader.open("c")
            await reader.open("c")
            assert await reader.count("c", Equals("tags", "jazz")) == 2
            found = await reader.nearest(
                "c", points.vectors["text"][OLD], using="text", where=None, limit=1, params=SearchParams(ef=64)
            )
            assert found.rows == [OLD]
            await reader.close()

        asyncio.run(run())

    def test_points_that_cannot_be_are_refused(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            narrow = {"tower": unit_vectors(4, 3), "text": points.vectors["text"]}
            await refusal(store.upsert("c", PointBatch(points.rows, narrow, points.payloads)))
            unknown = {"tower": points.vectors["tower"], "sound": points.vectors["text"]}
            await refusal(store.upsert("c", PointBatch(points.rows, unknown, points.payloads)))
            query = points.vectors["tower"][0]
            await refusal(store.nearest("c", query, using="sound", where=None, limit=1, params=EXACT))
            await refusal(store.nearest("c", query[:3], using="tower", where=None, limit=1, params=EXACT))
            assert await store.count("c") == 4

        in_a_store(stores, work)
