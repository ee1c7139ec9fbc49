"""Diff and sync: the counts are the truth, only what differs is written, and the answers are those of a full build."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from embedding.errors import RejectedInputError
from indexing.errors import ChangeGateError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.takedowns import take_down
from indexing.releases.workspace import Workspace
from indexing.state.records import Put
from indexing.sync import run
from indexing.sync.change_gate import Bounds, enforce
from indexing.sync.diff import Diff
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source, edited

ADDED = {"id": "added", "kind": "track", "title": "Added", "creator": "Maker 1", "text": "jazz piano at night"}


def newer(source: Source, folder: Path, *, keep: int = NUM_ITEMS) -> Path:
    """The catalogue with a row added, two descriptions edited, three windows moved, two rows removed."""

    def change(row: dict[str, Any]) -> None:
        if row["id"] in {"item-10", "item-11"}:
            row["text"] = "whales and the deep sea"
        if row["id"] in {"item-20", "item-21", "item-22"}:
            row["availability"] = [{"market": "NO", "until": "2040-01-01"}]

    path = edited(source.catalogue, folder / "newer.jsonl", change)
    lines = path.read_bytes().splitlines()
    kept = [line for line in lines if msgspec.json.decode(line)["id"] not in {"item-30", "item-31"}]
    path.write_bytes(b"\n".join([*kept[:keep], msgspec.json.encode(ADDED)]))
    return path


def without_removed(source: Source, folder: Path) -> Path:
    """The listens of the items that are left."""
    path = folder / "listens.jsonl"
    lines = source.interactions.read_bytes().splitlines()
    path.write_bytes(
        b"\n".join(line for line in lines if msgspec.json.decode(line)["item_id"] not in {"item-30", "item-31"})
    )
    return path


def use(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    """Let the commands' work be done on this store: in memory there is but one server."""

    class Opened:
        async def __aenter__(self) -> Workspace:
            return workspace

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(run, "open_workspace", lambda _settings: Opened())


def shown(rows: CurrentRows) -> dict[str, Any]:
    return {rows.id_of(row): rows.payload(row) for row in rows.rows()}


def test_a_diff_counts_what_a_sync_then_does_and_a_full_build_would(
    stores: Stores, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = newer(source, tmp_path)

    async def work(workspace: Workspace) -> None:
        use(monkeypatch, workspace)
        synced = await build(workspace, source)
        outcome, effects = await run.run_diff(catalogue, workspace.settings, QUIET)
        counts = msgspec.structs.asdict(outcome.diff)
        assert {name: counts[name] for name in ("added", "changed", "payload_changed", "removed", "unchanged")} == {
            "added": 1,
            "changed": 2,
            "payload_changed": 3,
            "removed": 2,
            "unchanged": NUM_ITEMS - 7,
        }
        assert outcome.diff.examples["changed"] == ["item-10", "item-11"]
        assert outcome.diff.examples["removed"] == ["item-30", "item-31"]
        assert effects.moved is not None
        assert effects.kept_neighbours is not None
        assert 0.5 < effects.kept_neighbours < 1.0
        # One moves in from Sweden, one comes for everywhere, two that were everywhere go.
        changes = {market.market: market.after - market.before for market in effects.markets}
        assert changes == {"NO": 0, "SE": -4}
        before = await workspace.state.end()
        done = await run.run_sync(catalogue, workspace.settings, QUIET)
        assert done.diff == outcome.diff
        assert done.revision == await workspace.state.end() > before
        # Puts in one frame, what goes in another.
        assert await workspace.state.end() == before + 2
        built = await build(
            workspace, source, catalogue=catalogue, interactions=without_removed(source, tmp_path), live=False
        )
        one, other = await rows_of(workspace, synced), await rows_of(workspace, built)
        # Popularity is derived from listens, which a sync leaves as they were built.
        assert {k: msgspec.structs.replace(v, popularity=0.0) for k, v in shown(one).items()} == {
            k: msgspec.structs.replace(v, popularity=0.0) for k, v in shown(other).items()
        }
        ids = sorted(shown(one))
        for space in ("tower", "text"):
            synced_vectors, built_vectors = (
                rows.vectors(space, [rows.row_of(item_id) for item_id in ids]) for rows in (one, other)
            )
            np.testing.assert_allclose(synced_vectors, built_vectors, atol=1e-5)
        again = await run.run_sync(catalogue, workspace.settings, QUIET)
        assert (again.diff.num_changes, again.diff.unchanged) == (0, NUM_ITEMS - 1)
        assert await workspace.state.end() == before + 2
        undone = await run.run_sync(source.catalogue, workspace.settings, QUIET)
        assert (undone.diff.added, undone.diff.removed, undone.diff.changed) == (2, 1, 2)
        assert shown(await workspace.live()) == shown(CurrentRows(workspace.releases.open(synced)))

    within(stores, source, work)


def test_only_rows_whose_inputs_changed_are_encoded(
    stores: Stores, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        use(monkeypatch, workspace)
        await build(workspace, source)
        before = await workspace.live()
        encoded: list[str] = []
        real = type(workspace.record_encoder)._encode

        def watched(editor: Any, items: Any, *others: Any) -> Any:
            encoded.extend(item.id for item in items)
            return real(editor, items, *others)

        monkeypatch.setattr(type(workspace.record_encoder), "_encode", watched)
        await run.run_sync(newer(source, tmp_path), workspace.settings, QUIET)
        assert sorted(encoded) == ["added", "item-10", "item-11"]
        puts = [c for f in await workspace.state.reader().fresh() for c in f.changes if isinstance(c, Put)]
        assert sorted(p.item.id for p in puts) == ["added", *(f"item-{n}" for n in (10, 11, 20, 21, 22))]
        after = await workspace.live()
        moved = before.vectors("tower", [before.find("item-20")]), after.vectors("tower", [after.find("item-20")])
        assert moved[0].tobytes() == moved[1].tobytes()

    within(stores, source, work)


def test_a_catalogue_that_was_cut_off_changes_nothing(
    stores: Stores, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexing.sync.change_gate._ALWAYS", 0)
    catalogue = newer(source, tmp_path, keep=9)

    async def work(workspace: Workspace) -> None:
        use(monkeypatch, workspace)
        await build(workspace, source)
        before = await workspace.state.end()
        with pytest.raises(ChangeGateError, match=r"81 of 90 rows \(90.0%\) would be removed, at most 45 may"):
            await run.run_sync(catalogue, workspace.settings, QUIET)
        assert await workspace.state.end() == before
        catalogue.write_bytes(b"{}\n" * 5 + catalogue.read_bytes())
        with pytest.raises(RejectedInputError):
            await run.run_sync(catalogue, workspace.settings, QUIET)

    within(stores, source, work)


def test_what_was_journalled_is_part_of_what_is_compared(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        use(monkeypatch, workspace)
        await build(workspace, source)
        await put(workspace, item(3, title="Edited"), item(0, id="added"))
        await take_down(workspace.state, ["item-5"])
        outcome, _ = await run.run_diff(source.catalogue, workspace.settings, QUIET)
        assert (outcome.diff.changed, outcome.diff.removed, outcome.diff.unchanged) == (1, 1, NUM_ITEMS - 1)
        await run.run_sync(source.catalogue, workspace.settings, QUIET)
        rows = await workspace.live()
        assert rows.payload(rows.find("item-3")).title == "Number 3"
        assert rows.find("added") == -1
        # A sync is no lift.
        assert rows.find("item-5") == -1

    within(stores, source, work)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"removed": 101}, "would be removed"),
        ({"changed": 101}, "would change their vectors"),
        ({"opened": 101}, "would be opened from restricted to everywhere"),
        ({"removed": 100, "changed": 100, "opened": 100}, None),
    ],
)
def test_the_change_gate_stops_what_is_more_than_is_allowed(counts: dict[str, int], told: str | None) -> None:
    diff = Diff(before=1_000, examples={}, **counts)
    bounds = Bounds(0.05, 0.05, 0.05)
    if told is None:
        enforce(diff, bounds)
    else:
        with pytest.raises(ChangeGateError, match=told):
            enforce(diff, bounds)
