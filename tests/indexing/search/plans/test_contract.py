"""Every family of plans, and one that is made of a few lines here, over the same collection."""

from collections.abc import Sequence

import numpy as np

from embedding.registry import Registry
from indexing.filters.predicate import predicate
from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection, Nearest
from indexing.search.plans.registry import PLANS
from tests.indexing.search.plans.contract import PlanContract


class TestColumns(PlanContract):
    name = "columns"


class TestPrincipalComponents(PlanContract):
    name = "narrow"


class TestGraph(PlanContract):
    name = "graph ef 512"
    least_recall = 0.97


class TestAcorn(PlanContract):
    name = "acorn ef 512"
    least_recall = 0.97


class TestExact(PlanContract):
    name = "exact"


class ShuffledCopy:
    """Brute force over the rows in another order."""

    name = family = stored = "shuffled"
    asks_engine = False

    def worth_trying(self, queries: Sequence[NearestQuery], collection: Collection, *, scan_is_slow: bool) -> bool:
        del queries, collection, scan_is_slow
        return True

    async def nearest(self, query: NearestQuery, collection: Collection) -> Nearest:
        columns, passes = collection.scan.columns, predicate(query.compiled.filter)
        shuffled = np.random.default_rng(1).permutation(len(columns))
        rows = np.array([row for row in shuffled.tolist() if passes(row, columns.payload(row))], np.int64)
        scores = columns.vectors(query.using)[rows] @ query.vector
        best = np.argsort(-scores)[: query.limit]
        return Nearest(rows[best].tolist(), scores[best].tolist(), exact=True)


class TestShuffledCopy(PlanContract):
    registry = Registry("plan", (*PLANS, ShuffledCopy()))
    name = "shuffled"


def test_no_family_goes_without() -> None:
    tested = {case.name for case in PlanContract.__subclasses__()}
    assert {plan.family for plan in PLANS} <= {PLANS[name].family for name in tested if name in PLANS}
