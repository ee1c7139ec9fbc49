"""Whether the store holds what the columns hold, on every copy: asked before a release is finished."""

from pathlib import Path

import numpy as np

from indexing.building.points import passage_batch, point_batch
from indexing.building.stages import WrittenColumns
from indexing.columns.columns import Columns
from indexing.release.passages import Passages, passages_collection
from indexing.stores.contract import VectorStore

# A lost batch is told by the count; of points that are unlike, one in three hundred is met with .96.
_SAMPLE = 1_000


async def verify_points(folder: Path, written: WrittenColumns, store: VectorStore) -> None:
    """Compare the number of points, and a sample of them, with columns and passages; VerificationError, StoreError."""
    columns = Columns(folder / "columns")
    sample = point_batch(columns, written.dims, written.extra_fields, _drawn(len(columns)))
    await store.verify(folder.name, len(columns), sample)
    passages = Passages.of(folder, columns)
    if passages is not None:
        cut = passage_batch(passages, written.extra_fields, _drawn(len(passages)))
        await store.verify(passages_collection(folder.name), len(passages), cut)


def _drawn(num: int) -> list[int]:
    """Other rows in each build: what one missed the next may meet."""
    drawn: list[int] = np.sort(np.random.default_rng().choice(num, min(num, _SAMPLE), replace=False)).tolist()
    return drawn
