"""What every vector store says of what was written to it, and of what nobody knows: beside the suite in contract.py."""

from collections.abc import Awaitable

import numpy as np
import pytest

from indexing.errors import VerificationError
from indexing.stores.contract import PointBatch, VectorStore
from tests.indexing.made_points import BARE, JAZZ, OLD, PAYLOADS, POD, SCHEMA
from tests.indexing.stores.contract import Stores, filled, in_a_store


async def differs(call: Awaitable[object]) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        await call
    return caught.value


class VerificationContract:
    """Subclass it beside StoreContract, whose fixture `stores` it uses."""

    def test_what_was_written_is_verified(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            await store.verify("c", 4, points)
            await store.verify("c", 4, PointBatch([], {}, []))
            assert "should hold 5 points, it holds 4" in str(await differs(store.verify("c", 5, points)))

        in_a_store(stores, work)

    @pytest.mark.parametrize("name", ["tower", "text", "bm25", "payload"])
    def test_a_point_that_is_not_what_was_written_is_named(self, stores: Stores, name: str) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            other = PointBatch(
                [OLD],
                {of: matrix[[JAZZ if of == name else OLD]] for of, matrix in points.vectors.items()},
                [PAYLOADS[BARE if name == "payload" else OLD]],
                {"bm25": points.sparse["bm25"].take(np.array([POD if name == "bm25" else OLD]))},
            )
            await store.upsert("c", other)
            await store.optimise("c")
            what = "the field 'availability_class'" if name == "payload" else f"the {name!r} vector"
            assert f"{what} of row 3 in collection 'c' is not" in str(await differs(store.verify("c", 4, points)))

        in_a_store(stores, work)

    def test_a_point_that_is_not_there_is_named(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            points = await filled(store)
            absent = PointBatch([JAZZ, POD, BARE, 9], points.vectors, points.payloads, points.sparse)
            assert "row 9 of collection 'c' is not on every copy" in str(await differs(store.verify("c", 4, absent)))

        in_a_store(stores, work)

    def test_leftovers_are_those_that_nobody_knows(self, stores: Stores) -> None:
        async def work(store: VectorStore) -> None:
            assert await store.leftovers([]) == []
            for name in ("r1", "r2", "r2.passages", "r3"):
                await store.create(name, SCHEMA)
            assert await store.leftovers({"r2", "r2.passages", "r4"}) == ["r1", "r3"]
            await store.drop("r1")
            assert await store.leftovers({"r2", "r2.passages"}) == ["r3"]

        in_a_store(stores, work)
