"""What a command works on: the store, the releases and the journal that the settings name."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from msgspec import Struct

from embedding.encoder_folder import DeferredEncoder, find_encoder
from embedding.encoder_hub import fetched_encoder
from embedding.encoder_loading import load_encoder
from embedding.text_vectors import CachedText
from embedding.vector_cache import VectorCache
from indexing.errors import NoLiveReleaseError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.editor import Editor
from indexing.journal.log import JournalLog
from indexing.journal.open_log import open_log
from indexing.journal.replay import current_rows
from indexing.open_store import open_store
from indexing.releases import Releases
from indexing.settings import IndexingSettings
from indexing.store import VectorStore


class Workplace(Struct, frozen=True):
    """Everything a command needs to change what is shown."""

    settings: IndexingSettings
    store: VectorStore
    releases: Releases
    journal: JournalLog
    editor: Editor

    async def live(self) -> CurrentRows:
        """What the live release shows now; NoLiveReleaseError before the first activation."""
        return await current_rows(self.releases.open(await self.releases.live_id()), self.journal)

    async def live_or_none(self) -> CurrentRows | None:
        """`live`, or None before the first activation."""
        try:
            return await self.live()
        except NoLiveReleaseError:
            return None

    @contextmanager
    def texts(self) -> Iterator[CachedText]:
        """Text vectors by the settings' encoder, loaded when a text is not in the cache; EncoderMissingError."""
        encoder = DeferredEncoder(find_encoder(fetched_encoder(self.settings.encoder)), load_encoder)
        with VectorCache.of(self.settings.vector_cache_dir, encoder) as cache:
            yield CachedText(encoder, cache)


@asynccontextmanager
async def open_workplace(settings: IndexingSettings) -> AsyncIterator[Workplace]:
    """The workplace of `settings`; the store is closed at the end."""
    store = open_store(settings)
    try:
        releases = Releases(settings.data_dir, store)
        yield Workplace(settings, store, releases, open_log(settings.data_dir, store), Editor(releases))
    finally:
        await store.close()
