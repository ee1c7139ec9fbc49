"""A workplace over a test's stores, and the few things that tests of journal, switch and compaction do in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from embedding.progress import Reporter
from embedding.rows.schema import Item
from indexing.building.build import build_release
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.releases.editor import Editor
from indexing.releases.releases import Releases
from indexing.releases.switch import activate
from indexing.releases.workplace import Workplace
from indexing.settings import IndexingSettings
from tests.indexing.kinds_of_store import Stores, journal_of
from tests.indexing.release_worlds import QUIET, Source, make_items

T = TypeVar("T")


def within(stores: Stores, source: Source, work: Callable[[Workplace], Awaitable[T]]) -> T:
    """Run `work(place)` as one process would."""

    async def run() -> T:
        store = stores.open()
        settings = IndexingSettings(data_dir=stores.data_dir, cache_dir=source.cache_dir)
        releases = Releases(stores.data_dir, store)
        try:
            return await work(
                Workplace(settings, store, releases, journal_of(store, stores.data_dir), Editor(releases))
            )
        finally:
            await store.close()

    return asyncio.run(run())


async def build(
    place: Workplace, source: Source, *, reporter: Reporter = QUIET, live: bool = True, **inputs: Any
) -> str:
    shop = msgspec.structs.replace(source.shop(place.settings.data_dir, place.store, reporter), journal=place.journal)
    manifest = await build_release(msgspec.structs.replace(source.inputs(), **inputs), shop)
    if live:
        await activate(place, manifest.id)
    return manifest.id


async def rows_of(place: Workplace, release_id: str) -> CurrentRows:
    return await current_rows(place.releases.open(release_id), place.journal)


async def put(place: Workplace, *items: Item) -> None:
    with place.texts() as texts:
        await place.journal.append(place.editor.puts(items, await place.live(), texts))


def item(number: int, **changes: Any) -> Item:
    return msgspec.structs.replace(make_items()[number], **changes)
