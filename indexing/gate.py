"""What must hold before a release is finished: every row is in the store, and the graph finds what is there."""

from pathlib import Path

import numpy as np

from indexing.columns import Columns
from indexing.errors import GateError
from indexing.filters import EVERYTHING
from indexing.manifest import GateReport
from indexing.plans import plan_for
from indexing.store import VectorStore

_CANARIES = 50
_K = 10
MIN_RECALL = 0.99
# Scores of one vector differ in the last bits between the engine and numpy.
_SCORE_TOLERANCE = 1e-5


async def judge(folder: Path, dims: dict[str, int], store: VectorStore) -> GateReport:
    """Count the points and ask for the neighbours of some of them; GateError says which number failed."""
    columns = Columns(folder / "columns")
    count = await store.count(folder.name)
    if count != len(columns):
        raise GateError(f"{len(columns)} rows were accepted, but the store holds {count} points. Build again.")
    rows = np.unique(np.linspace(0, count - 1, num=_CANARIES).astype(np.int64))
    recall = min([await _recall(folder.name, columns, space, rows, store) for space in dims])
    if recall < MIN_RECALL:
        raise GateError(
            f"Recall@{_K} of {len(rows)} canary queries is {recall:.3f}, at least {MIN_RECALL} is needed. "
            "The live release stays as it is."
        )
    return GateReport(points_in_store=count, canaries=len(rows), canary_recall=round(recall, 4))


async def _recall(collection: str, columns: Columns, space: str, rows: np.ndarray, store: VectorStore) -> float:
    """Part of the answers that are as near as the exact k-th one, so that ties count as found."""
    vectors = columns.vectors(space)
    everything = store.prepare(EVERYTHING)
    k = min(_K, len(columns))
    found = 0
    for row in rows:
        exact = np.partition(vectors @ vectors[row], len(vectors) - k)[len(vectors) - k]
        answer = await store.nearest(
            collection, vectors[row], using=space, where=everything, limit=k, plan=plan_for(1.0)
        )
        found += sum(score >= float(exact) - _SCORE_TOLERANCE for score in answer.scores)
    return found / (k * len(rows))
