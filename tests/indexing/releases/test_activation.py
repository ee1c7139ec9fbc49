"""The journal and releases together: what was changed stays changed over rebuilds, switches and ways back."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedding.progress import Reporter
from embedding.rows.schema import Window
from indexing.errors import WideningError
from indexing.journal.takedowns import lift, take_down
from indexing.releases.activation import activate, rollback
from indexing.releases.workspace import Workspace
from indexing.state.records import Put, Removed
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source, edited


def test_a_takedown_holds_on_every_release_there_is_and_will_be(stores: Stores, source: Source) -> None:
    class DuringTheBuild(Reporter):
        """Takes an item down when the build has read its catalogue."""

        def __init__(self, work: Callable[[], None]) -> None:
            super().__init__("none")
            self._work = work

        def stage(self, name: str, total: int | None = None) -> Any:
            if name.startswith("encode"):
                self._work()
            return super().stage(name, total)

    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        await take_down(workspace.state, ["item-1", "item-to-come"])
        pending: list[asyncio.Task[int]] = []

        def take_another_down() -> None:
            pending.append(asyncio.ensure_future(take_down(workspace.state, ["item-2"])))

        second = await build(workspace, source, reporter=DuringTheBuild(take_another_down), live=False)
        await asyncio.gather(*pending)
        assert len(pending) == 1
        for release_id in (first, second):
            rows = await rows_of(workspace, release_id)
            assert [rows.find(f"item-{number}") for number in (1, 2)] == [-1, -1]
            assert rows.find("item-3") >= 0
            # Built like any other row, and hidden.
            assert rows.release.columns.ids.find("item-1") >= 0
        await activate(workspace, second)
        assert await rollback(workspace) == first
        await lift(workspace.state, ["item-1"])
        third = await build(workspace, source)
        for release_id in (first, second, third):
            rows = await rows_of(workspace, release_id)
            assert rows.find("item-1") >= 0
            assert rows.find("item-2") == -1
        await put(workspace, item(0, id="item-to-come"))
        assert (await rows_of(workspace, third)).find("item-to-come") == -1

    within(stores, source, work)


def test_a_build_supersedes_what_was_journalled_before_it_for_itself_only(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        await put(workspace, item(1, title="Edited"), item(0, id="added"))
        await workspace.state.append([Removed("item-2")])
        second = await build(workspace, source)
        old, new = await rows_of(workspace, first), await rows_of(workspace, second)
        assert old.payload(old.find("item-1")).title == "Edited"
        # Two changes of items; where the state is a database, the switch between build and changes has a number too.
        assert (old.find("item-2"), old.revision) == (-1, {"embedded": 2}.get(stores.kind, 3))
        assert old.find("added") >= 0
        # The catalogue is newer than all that.
        assert new.payload(new.find("item-1")).title == "Number 1"
        assert new.find("item-2") >= 0
        assert (new.find("added"), new.revision) == (-1, 0)
        await put(workspace, item(3, title="Edited later"))
        for release_id in (first, second):
            rows = await rows_of(workspace, release_id)
            assert rows.payload(rows.find("item-3")).title == "Edited later"

    within(stores, source, work)


def test_rows_journalled_for_another_model_are_encoded_before_the_switch(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        await build(workspace, source)
        other = await build(workspace, source, model=source.other_model, live=False)
        # A record as a process that knew only the live release's model would have written it.
        with workspace.texts() as texts:
            (record,) = workspace.record_encoder.puts([item(0, id="added")], await workspace.live(), texts)
        model = (await workspace.live()).release.manifest.model_hash
        assert model is not None
        assert len(record.tower) == 2
        await workspace.state.append([Put(record.item, record.text, {model: record.tower[model]})])
        assert list((await rows_of(workspace, other)).unencoded) == ["added"]
        assert (await rows_of(workspace, other)).find("added") == -1
        await activate(workspace, other)
        rows = await rows_of(workspace, other)
        assert not rows.unencoded
        at = rows.find("added")
        for space in ("tower", "text"):
            # Row 0 but for its id, which the towers have never seen.
            near = float(rows.vectors(space, [at])[0] @ rows.vectors(space, [rows.find("item-0")])[0])
            assert near > (0.999 if space == "text" else 0.2)

    within(stores, source, work)


def test_a_row_whose_inputs_did_not_change_keeps_its_vectors_to_the_last_bit(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        release_id = await build(workspace, source)
        before = await rows_of(workspace, release_id)
        await put(workspace, item(5, availability=(Window("US"),), explicit=True), item(6, title="Another title"))
        after = await rows_of(workspace, release_id)
        for space in ("tower", "text"):
            old, new = (rows.vectors(space, [rows.find("item-5")])[0] for rows in (before, after))
            assert old.tobytes() == new.tobytes()
        old, new = (rows.vectors("text", [rows.find("item-6")])[0] for rows in (before, after))
        assert float(old @ new) < 0.999

    within(stores, source, work)


@pytest.mark.parametrize("way", ["rollback", "activate"])
def test_going_back_to_what_was_wider_open_is_refused_unless_it_is_meant(
    stores: Stores, source: Source, tmp_path: Path, way: str
) -> None:
    def narrower(row: dict[str, Any]) -> None:
        if row["id"] == "item-1":
            row["availability"] = [{"market": "SE"}, {"market": "NO", "until": "2030-01-01"}]
        if row["id"] == "item-2":
            row["explicit"] = True
        if row["id"] == "item-3":
            row["min_age"] = 18
        if row["id"] == "item-4":
            # It was Sweden alone, so this is wider, and the way back is narrower.
            row["availability"] = [{"market": "*"}]

    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        second = await build(workspace, source, catalogue=edited(source.catalogue, tmp_path / "c.jsonl", narrower))
        go = (
            (lambda widen: rollback(workspace, widen=widen))
            if way == "rollback"
            else (lambda widen: activate(workspace, first, widen=widen))
        )
        with pytest.raises(WideningError, match=r"3 rows .*item-1 \(availability\), item-2 \(explicit\), item-3 \(min"):
            await go(False)
        assert await workspace.releases.live_id() == second
        await go(True)
        assert await workspace.releases.live_id() == first
        # Forward again is no way back.
        await activate(workspace, second)
        # What the journal says of a row counts on both.
        await put(workspace, item(1), item(2, explicit=True), item(3, min_age=18))
        assert await rollback(workspace) == first

    within(stores, source, work)


def test_a_release_of_text_only_takes_changes_too(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        release_id = await build(workspace, source, model=None)
        await put(workspace, item(0, id="added"))
        rows = await rows_of(workspace, release_id)
        assert rows.find("added") >= 0
        assert not rows.unencoded

    within(stores, source, work)
