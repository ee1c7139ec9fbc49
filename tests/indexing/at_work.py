"""A workspace over a test's stores, and the few things that tests of journal, switch and compaction do in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from embedding.progress import Reporter
from embedding.rows.schema import Item
from indexing.building.build import build_release
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.releases.activation import activate
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.releases.workspace import Workspace
from indexing.settings import IndexingSettings
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import QUIET, Source, make_items

T = TypeVar("T")


def within(stores: Stores, source: Source, work: Callable[[Workspace], Awaitable[T]]) -> T:
    """Run `work(workspace)` as one process would."""

    async def run() -> T:
        store, state = stores.open(), stores.state()
        settings = IndexingSettings(data_dir=stores.data_dir, cache_dir=source.cache_dir)
        releases = Releases(stores.data_dir, store, state)
        try:
            return await work(Workspace(settings, store, releases, state, RecordEncoder(releases)))
        finally:
            await store.close()
            await state.close()

    return asyncio.run(run())


async def build(
    workspace: Workspace, source: Source, *, reporter: Reporter = QUIET, live: bool = True, **inputs: Any
) -> str:
    """Build a release from the source's files, but for what `inputs` say; its id."""
    data_dir = workspace.settings.data_dir

    async def make() -> str:
        deps = msgspec.structs.replace(source.dependencies(data_dir, workspace.store, reporter), state=workspace.state)
        manifest = await build_release(msgspec.structs.replace(source.inputs(), **inputs), deps)
        if live:
            await activate(workspace, manifest.id)
        return manifest.id

    if reporter is not QUIET or not inputs.keys() <= {"model"}:
        return await make()
    return await source.first_build(
        ("at work", live, inputs.get("model", source.model)), data_dir, workspace.store, make
    )


async def rows_of(workspace: Workspace, release_id: str) -> CurrentRows:
    return await current_rows(workspace.releases.open(release_id), workspace.state)


async def put(workspace: Workspace, *items: Item) -> None:
    with workspace.texts() as texts:
        await workspace.state.append(workspace.record_encoder.puts(items, await workspace.live(), texts))


def item(number: int, **changes: Any) -> Item:
    return msgspec.structs.replace(make_items()[number], **changes)
