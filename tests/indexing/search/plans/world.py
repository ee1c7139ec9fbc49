"""One collection of which brute force knows the answers: in the columns, and in an engine that has a graph of it."""

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from embedding.protocols import Vectors
from embedding.rows.schema import EVERYWHERE, Item
from indexing.doctor.examined import ExaminedCollection
from indexing.rules.compiled import CompiledContext, HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.search.plan import Collection
from indexing.search.shared_scan import SharedScan
from indexing.stores.contract import CollectionSchema, PointBatch
from indexing.stores.edge import EdgeStore
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE
from tests.indexing.scanned import ANYBODY, Catalogue

NUM_ROWS, DIMS, NUM_DIRECTIONS = 4_500, 192, 40
SPACE, ID = "text", "r1"
SWEDES = replace(ANYBODY, languages=frozenset({"sv"}))
BLOCKING = replace(ANYBODY, blocked_creators=frozenset({"c1", "c2", "c40"}))
NOTHING = replace(ANYBODY, kinds=frozenset({"episode"}))


class PlansWorld:
    """Wide vectors, most of each in a few directions; a fifth of the rows is Swedish, and none is an episode."""

    def __init__(self, folder: Path) -> None:
        dice = np.random.default_rng(3)
        directions, _ = np.linalg.qr(dice.normal(size=(DIMS, NUM_DIRECTIONS)))
        drawn = dice.normal(size=(NUM_ROWS, NUM_DIRECTIONS)) @ directions.T + 0.02 * dice.normal(size=(NUM_ROWS, DIMS))
        self.vectors: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
        rows = [
            Item(
                id=f"i{row}",
                kind="track",
                title="t",
                creator=f"c{row % 50}",
                language="en" if row % 5 else "sv",
                availability=EVERYWHERE,
            )
            for row in range(NUM_ROWS)
        ]
        self.catalogue = Catalogue(rows, folder / "columns", {SPACE: self.vectors})
        self.store = EdgeStore(folder / "releases", GRAPH_AT_ONCE)
        classes, share = self.catalogue.classes, self.catalogue.fields.share
        self.rules = HardRules(RuleSet(), "v1", classes, self.store.prepare, share)
        scan = self.catalogue.scan
        self.collection = Collection(ID, self.store, scan, SharedScan(scan).nearest)
        self.examined = ExaminedCollection(
            id=ID, columns=self.catalogue.columns, fields=self.catalogue.fields, classes=classes, dims={SPACE: DIMS}
        )

    async def index(self) -> None:
        await self.store.create(ID, CollectionSchema({SPACE: DIMS}))
        await self.store.upsert(ID, PointBatch(range(NUM_ROWS), {SPACE: self.vectors}, self.catalogue.payloads))
        await self.store.optimise(ID)

    def compiled(self, context: RequestContext) -> CompiledContext:
        return self.rules.compile(context)

    def best(self, vector: Vectors, context: RequestContext, limit: int) -> list[int]:
        """By brute force."""
        return self.catalogue.brute_force(vector, SPACE, self.compiled(context), limit)
