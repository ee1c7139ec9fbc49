"""What a command works on: the store, the releases and the state that the settings name."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from embedding.text.encoder_loading import load_encoder
from embedding.text.text_vectors import NoText, TextVectors, cached_texts, open_text_vectors
from indexing.errors import NoLiveReleaseError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.release.release import Release
from indexing.release.release_encoder import release_encoder
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

    def texts_of(self, release: Release) -> AbstractContextManager[TextVectors]:
        """Text vectors by the encoder that made those of `release`, whatever the settings name; none where it has none.

        Raises EncoderMissingError.
        """
        return self._texts_of(release, self.settings.vector_cache_dir)

    @contextmanager
    def unkept_texts_of(self, release: Release) -> Iterator[TextVectors]:
        """As `texts_of`, and nothing is written to the settings' cache."""
        with (
            TemporaryDirectory(prefix="nearfield-texts-") as folder,
            self._texts_of(release, Path(folder)) as texts,
        ):
            yield texts

    def _texts_of(self, release: Release, vectors_dir: Path) -> AbstractContextManager[TextVectors]:
        if (found := release_encoder(release, self.settings)) is None:
            return nullcontext(NoText())
        return cached_texts(found, vectors_dir, load_encoder)


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
