"""The kept re-check says what the predicate says, asks it once a row, and keeps contexts apart."""

from pathlib import Path

from indexing.filters.algebra import EVERYTHING
from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from indexing.releases.releases import Releases
from indexing.rules.compiled import CompiledContext
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from service.loaded.verdicts import Verdicts


def test_each_context_has_its_own_verdict(tower_world: Path) -> None:
    releases = Releases(tower_world, EdgeStore(tower_world / "releases"), FilesState(tower_world))
    release = releases.open(releases.manifests()[0].id)
    columns = release.columns
    verdicts = Verdicts(CurrentRows(release))
    asked: list[str] = []

    def context(kind: str) -> CompiledContext:
        def accepts(payload: Payload) -> bool:
            asked.append(payload.id)
            return payload.kind == kind

        return CompiledContext(filter=EVERYTHING, accepts=accepts, prepared=None, share=1.0, fields=frozenset())

    tracks, episodes = context("track"), context("episode")
    for _ in range(3):
        for compiled, kind in ((tracks, "track"), (episodes, "episode")):
            verdict = verdicts.of(compiled)
            assert [verdict.passes(row) for row in range(len(columns))] == [
                columns.payload(row).kind == kind for row in range(len(columns))
            ]
    assert len(asked) == 2 * len(columns)
    # The same answer, not the same object: what is kept goes by identity.
    assert verdicts.of(context("track")) is not verdicts.of(tracks)
