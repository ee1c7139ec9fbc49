"""What a command works on: the store, the releases and the state that the settings name."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from embedding.text.encoder_loading import load_encoder
from embedding.text.text_vectors import TextVectors, open_text_vectors
from indexing.errors import NoLiveReleaseError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.open_both import open_both
from indexing.stores.contract import VectorStore


class Workspace(Struct, frozen=True):
    """Everything a command needs to change what is shown."""

    settings: IndexingSettings
    store: VectorStore
    releases: Releases
    state: StateStore
    record_encoder: RecordEncoder

    async def live(self) -> CurrentRows:
        """What the live release shows now; NoLiveReleaseError before the first activation."""
        return await current_rows(self.releases.open(await self.releases.live_id()), self.state)

    async def live_or_none(self) -> CurrentRows | None:
        """`live`, or None before the first activation."""
        try:
            return await self.live()
        except NoLiveReleaseError:
            return None

    def texts(self, wanted: bool = True) -> AbstractContextManager[TextVectors]:
        """Text vectors by the settings' encoder, loaded when a text is not in the cache; none unless `wanted`.

        Raises EncoderMissingError.
        """
        return open_text_vectors(self.settings, load_encoder, wanted)

    @contextmanager
    def unkept_texts(self, wanted: bool) -> Iterator[TextVectors]:
        """As `texts`, and nothing is written to the settings' cache."""
        with TemporaryDirectory(prefix="nearfield-texts-") as folder:
            settings = replace(self.settings, cache_dir=Path(folder))
            with open_text_vectors(settings, load_encoder, wanted) as texts:
                yield texts


@asynccontextmanager
async def open_workspace(settings: IndexingSettings) -> AsyncIterator[Workspace]:
    """The workspace of `settings`; store and state are closed at the end."""
    state, store = await open_both(settings)
    try:
        releases = Releases(settings.data_dir, store, state)
        yield Workspace(settings, store, releases, state, RecordEncoder(releases))
    finally:
        await store.close()
        await state.close()
