"""Rows of a made-up release, put again with another vector: what a log holds in this benchmark."""

from collections.abc import Iterator

import numpy as np

from benchmarks.harness.world import PlantedEncoder
from embedding.rows.schema import Item, Window
from indexing.release.release import Release
from indexing.state.records import Put

DIMS = 384


def puts_of(release: Release, num: int) -> Iterator[Put]:
    """The first `num` rows, in their order, each with a random unit vector of `DIMS` numbers."""
    rng = np.random.default_rng(3)
    hash = PlantedEncoder(DIMS).hash
    for row in range(num):
        payload = release.columns.payload(row)
        vector = rng.normal(size=DIMS).astype("<f4")
        item = Item(
            id=payload.id,
            kind=payload.kind,
            title=payload.title,
            creator=payload.creator,
            availability=release.classes.windows_of(payload.availability_class) or (Window("*"),),
        )
        yield Put(item, {hash: (vector / np.linalg.norm(vector)).tobytes()}, {})
