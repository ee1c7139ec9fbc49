"""The composition root of the server's processes: from settings to the application, everything checked on the way."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from litestar import Litestar

from embedding.encoder_folder import find_encoder
from embedding.errors import EncoderMissingError
from embedding.model import Towers
from embedding.protocols import TextEncoder
from embedding.rows import Item
from embedding.text_vectors import CachedText
from embedding.vector_cache import VectorCache
from indexing.journal.current_rows import CurrentRows
from indexing.journal.editor import Editor
from indexing.journal.open_log import open_log
from indexing.journal.records import Put
from indexing.open_store import open_store
from indexing.release import Release
from indexing.releases import Releases
from indexing.rules.accepted import AcceptedRules
from indexing.rules.compiled import HardRules
from service.activating import activate_apart
from service.app import create_app
from service.changes import MakePuts
from service.encoder_gate import EncoderGate
from service.environ import as_environ
from service.load_settings import load_settings
from service.parts import Parts
from service.served import ServedRelease
from service.settings import Settings

REPLACING = "NEARFIELD_REPLACING"


def build_app() -> Litestar:
    """The application for the settings of this process (file and environment); what granian's workers call.

    Raises NoLiveReleaseError, MismatchError, RulesError or StoreError: a process that cannot answer does not start.
    """
    parts = open_parts(load_settings(Path.cwd(), os.environ, {}))
    if os.environ.get(REPLACING) == "1":
        # The worker that this one replaces has its encoder; a search must not wait because of the hand-over.
        parts.encoder.load_now()
    return create_app(parts)


def open_parts(settings: Settings) -> Parts:
    """The store, the live release with its rules and tower, and the encoder, not loaded yet."""
    release = _live_release(settings)
    tower = None if release.model_folder is None else Towers.load(release.model_folder)
    if tower is not None:
        release.check_tower(tower.model_hash)
    with suppress(EncoderMissingError):
        # Without an encoder everything but search works; /health/ready tells.
        release.check_encoder(find_encoder(settings.encoder).hash)
    store = open_store(settings)
    version, ruleset = AcceptedRules(settings.data_dir / "rules").current()
    rules = HardRules(ruleset, version, release.classes, store.prepare, release.share)
    journal = open_log(settings.data_dir, store)
    live = ServedRelease(release=release, rows=CurrentRows(release), journal=journal.reader(), rules=rules, tower=tower)
    encoder = EncoderGate(partial(_load_encoder, settings.encoder), settings.encoder_wait_s)
    return Parts(
        settings=settings,
        store=store,
        live=live,
        encoder=encoder,
        journal=journal,
        activate=partial(activate_apart, {**os.environ, **as_environ(settings)}),
        make_puts=_puts_with(Editor(Releases(settings.data_dir, store)), settings.vector_cache_dir),
    )


def _puts_with(editor: Editor, cache_dir: Path) -> MakePuts:
    def make_puts(items: Sequence[Item], live: CurrentRows, encoder: TextEncoder) -> list[Put]:
        with VectorCache.of(cache_dir, encoder) as cache:
            return editor.puts(items, live, CachedText(encoder, cache))

    return make_puts


def _live_release(settings: Settings) -> Release:
    """Asked through a store and a loop of its own: a client of the engine belongs to the loop it is first used on,
    and the server's does not run yet."""

    async def ask() -> Release:
        store = open_store(settings)
        try:
            releases = Releases(settings.data_dir, store)
            return releases.open(await releases.live_id())
        finally:
            await store.close()

    # Runner with a factory, unlike asyncio.run, leaves the loop that the server has set in its place.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(ask())


def _load_encoder(folder: Path | None) -> TextEncoder:
    # What is not there is said at once: the import below, in the gate's thread, takes 6 s.
    find_encoder(folder)
    from embedding.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(folder)
