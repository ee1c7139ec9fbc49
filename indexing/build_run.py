"""A build with the real parts that the settings name: what the command runs."""

from embedding.encoder_folder import DeferredEncoder, find_encoder
from embedding.progress import Reporter
from embedding.sentence_encoder import SentenceEncoder
from embedding.text_vectors import CachedText
from embedding.vector_cache import VectorCache
from indexing.build import BuildInputs, Workshop, build_release
from indexing.journal.open_log import open_log
from indexing.manifest import Manifest
from indexing.open_store import open_store
from indexing.releases import Releases
from indexing.rules.accepted import AcceptedRules
from indexing.settings import IndexingSettings


async def build_from_settings(
    inputs: BuildInputs, settings: IndexingSettings, reporter: Reporter, *, activate: bool
) -> Manifest:
    """Build with the store, encoder and cache that the settings name, and make it live when asked."""
    store = open_store(settings)
    try:
        encoder = DeferredEncoder(find_encoder(settings.encoder), SentenceEncoder.load)
        with VectorCache.of(settings.vector_cache_dir, encoder) as cache:
            version, _ = AcceptedRules(settings.data_dir / "rules").current()
            shop = Workshop(
                data_dir=settings.data_dir,
                store=store,
                journal=open_log(settings, store),
                texts=CachedText(encoder, cache),
                rules_version=version,
                max_reject_share=settings.max_reject_share,
                reporter=reporter,
            )
            manifest = await build_release(inputs, shop)
        if activate:
            await Releases(settings.data_dir, store).activate(manifest.id)
        return manifest
    finally:
        await store.close()
