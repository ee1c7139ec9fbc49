"""All readings of a filter, the columns' too, say the same of every item: what passes and what does not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.filters.algebra import Filter, HasId
from indexing.filters.predicate import predicate
from indexing.payload.payload import Payload
from indexing.stores.contract import CollectionSchema, PointBatch, SearchParams, VectorStore
from tests.indexing.drawn import AT_LENGTH, EXTRA_FIELDS, filters, payloads
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE, quick_folder, stores_of

NUM_ROWS = 200
SEEDS = (1, 2)
QUERY = np.array([1.0, 0.0], dtype=np.float32)


class Catalogue:
    """One drawn catalogue in three engines: Edge as written, Edge optimised, and memory mode over gRPC."""

    def __init__(
        self, rows: list[Payload], engines: dict[str, VectorStore], runner: asyncio.Runner, folder: Path
    ) -> None:
        self.rows = rows
        writer = FieldColumnsWriter(EXTRA_FIELDS)
        writer.add(rows[:50])
        writer.add(rows[50:])
        writer.save(folder)
        self.fields = FieldColumns(folder)
        self.engines = engines
        self._runner = runner

    def passing(self, engine: str, where: Filter) -> set[int]:
        """Rows that an engine, really queried, lets through."""
        store = self.engines[engine]
        search = store.nearest(
            "c", QUERY, using="tower", where=store.prepare(where), limit=NUM_ROWS, params=SearchParams(exact=True)
        )
        return set(self._runner.run(search).rows)


async def _fill(store: VectorStore, rows: list[Payload]) -> VectorStore:
    angles = np.linspace(0, 3, len(rows))
    vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)
    await store.create("c", CollectionSchema({"tower": 2}, extra_fields=EXTRA_FIELDS))
    await store.upsert("c", PointBatch(range(len(rows)), {"tower": vectors}, rows, extra_fields=EXTRA_FIELDS))
    return store


@pytest.fixture(scope="module", params=SEEDS)
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    rows = payloads(request.param, NUM_ROWS)
    with (
        quick_folder(tmp_path_factory.mktemp("catalogue")) as folder,
        stores_of("embedded", folder / "written") as written,
        stores_of("embedded", folder / "optimised") as optimised,
        stores_of("memory", folder) as memory,
        asyncio.Runner() as runner,
    ):
        engines = {
            "edge, as written": runner.run(_fill(written.open(), rows)),
            "edge, optimised": runner.run(_fill(optimised.open(GRAPH_AT_ONCE), rows)),
            "server, over gRPC": runner.run(_fill(memory.open(), rows)),
        }
        runner.run(engines["edge, optimised"].optimise("c"))
        yield Catalogue(rows, engines, runner, folder)
        for store in engines.values():
            runner.run(store.close())


def test_all_readings_agree_on_every_item(catalogue: Catalogue) -> None:
    num_passes = num_does_not = 0

    @settings(AT_LENGTH, max_examples=60)
    @given(drawn=st.lists(filters(NUM_ROWS), min_size=8, max_size=8))
    def agree(drawn: list[Filter]) -> None:
        nonlocal num_passes, num_does_not
        for where in drawn:
            holds = predicate(where)
            passes = {row for row, payload in enumerate(catalogue.rows) if holds(row, payload)}
            assert set(np.flatnonzero(catalogue.fields.mask(where)).tolist()) == passes, where
            if not isinstance(where, HasId):
                assert catalogue.fields.share(where) == len(passes) / NUM_ROWS
            for engine in catalogue.engines:
                assert catalogue.passing(engine, where) == passes, (engine, where)
            num_passes += len(passes)
            num_does_not += NUM_ROWS - len(passes)

    agree()
    # Both directions were asked often.
    assert num_passes + num_does_not >= 90_000
    assert min(num_passes, num_does_not) >= 20_000
