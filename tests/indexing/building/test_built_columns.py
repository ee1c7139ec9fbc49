"""What a build writes beside the points is what the catalogue says: no file of one part stands where another's is."""

import asyncio
from pathlib import Path

from indexing.building.build import build_release
from indexing.filters.algebra import Filter, NoneOf, Range
from indexing.filters.predicate import predicate
from indexing.releases.releases import Releases
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from tests.indexing.release_worlds import Source

NOW_S = 1_700_000_000


FILTERS: tuple[Filter, ...] = (
    Range("published_at", lt=NOW_S),
    NoneOf((Range("published_at", lt=NOW_S),)),
    Range("published_at", gte=NOW_S),
    Range("duration_s", lt=100.0),
    NoneOf((Range("duration_s", gte=100.0),)),
)


def test_the_columns_of_a_build_say_what_its_payloads_say(source: Source, data_dir: Path) -> None:
    """Of items without a date and a length, too."""

    async def build() -> str:
        store = EdgeStore(data_dir / "releases")
        manifest = await build_release(source.inputs(with_model=False), source.dependencies(data_dir, store))
        await store.close()
        return manifest.id

    release = Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir)).open(asyncio.run(build()))
    for where in FILTERS:
        passes = predicate(where)
        expected = [passes(row, release.columns.payload(row)) for row in range(len(release.columns))]
        assert release.fields.mask(where).tolist() == expected, where
