"""The composition root of a worker: from settings to dependencies, everything checked before it answers."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from litestar import Litestar

from embedding.errors import EncoderMissingError, NearfieldError
from embedding.protocols import TextEncoder
from embedding.rows.schema import Item
from embedding.settings import EncoderPlace
from embedding.text.encoder_folder import find_encoder
from embedding.text.encoder_hub import local_encoder
from embedding.text.text_vectors import CachedText, NoText
from embedding.text.vector_cache import VectorCache
from embedding.towers.model import Towers
from indexing.errors import NoLiveReleaseError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.open import open_journal
from indexing.journal.records import Put
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.releases.retention import hold as hold_release
from indexing.rules.accepted import AcceptedRules
from indexing.rules.compiled import HardRules
from indexing.rules.payload_fields import check_payload_fields
from indexing.stores.open import open_store
from service.app import create_app
from service.changes.changes import MakePuts
from service.changes.release_subprocess import activate_apart, compact_apart
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursor_key import cursor_key
from service.queries.cursors import Cursors
from service.ranking.encoder_gate import EncoderGate
from service.schemas.load_settings import load_settings
from service.schemas.settings import Settings
from service.workers.environ import as_environ

_log = logging.getLogger("nearfield.service")

REPLACING = "NEARFIELD_REPLACING"


def build_app() -> Litestar:
    """The application for the settings of this process (file and environment); what granian's workers call.

    Raises NoLiveReleaseError, MismatchError, RulesError or StoreError: a process that cannot answer does not start.
    """
    dependencies = open_dependencies(load_settings(Path.cwd(), os.environ, {}))
    if os.environ.get(REPLACING) == "1":
        # The worker that this one replaces has its encoder; a search must not wait because of the hand-over.
        dependencies.encoder.load_now()
    return create_app(dependencies)


def open_dependencies(settings: Settings) -> Dependencies:
    """The store, the live release with its rules and tower, and the encoder, not loaded yet."""
    live_id, others = _to_hold(settings)
    store = open_store(settings)
    releases = Releases(settings.data_dir, store)
    journal = open_journal(settings, store)
    rules = AcceptedRules(settings.data_dir / "rules")
    version, ruleset = rules.opened()

    def hold(release_id: str) -> LoadedRelease:
        release = releases.open(release_id)
        check_payload_fields(ruleset, release.manifest)
        tower = None if release.model_folder is None else Towers.load(release.model_folder)
        if tower is not None:
            release.check_tower(tower.model_hash)
        return LoadedRelease(
            release=release,
            rows=CurrentRows(release),
            journal=journal.reader(),
            rules=HardRules(ruleset, version, release.classes, store.prepare, release.share),
            tower=tower,
            held=hold_release(release.folder),
        )

    live = hold(live_id)
    load = partial(_no_encoder, live_id)
    if live.release.has_text:
        with suppress(EncoderMissingError):
            # Without an encoder everything but search works; /health/ready tells.
            live.release.check_encoder(find_encoder(local_encoder(settings.encoder)).hash)
        load = partial(_load_encoder, settings.encoder)
    encoder = EncoderGate(load, settings.encoder_wait_s)
    environ = {**os.environ, **as_environ(settings)}
    return Dependencies(
        settings=settings,
        store=store,
        live=live,
        held={live_id: live, **_held(others, hold)},
        releases=releases,
        rules=rules,
        encoder=encoder,
        cursors=Cursors(cursor_key(settings.data_dir), settings.cursor_ttl_s),
        journal=journal,
        activate=partial(activate_apart, environ),
        compact=partial(compact_apart, environ),
        make_puts=_puts_with(RecordEncoder(releases), settings.vector_cache_dir),
    )


def _puts_with(editor: RecordEncoder, cache_dir: Path) -> MakePuts:
    def make_puts(items: Sequence[Item], live: CurrentRows, encoder: TextEncoder | None) -> list[Put]:
        if encoder is None:
            return editor.puts(items, live, NoText())
        with VectorCache.of(cache_dir, encoder) as cache:
            return editor.puts(items, live, CachedText(encoder, cache))

    return make_puts


def _held(release_ids: Sequence[str], hold: Callable[[str], LoadedRelease]) -> dict[str, LoadedRelease]:
    """Those that can be opened: an old release that is spoilt must not keep the live one from being served."""
    held = {}
    for release_id in release_ids:
        try:
            held[release_id] = hold(release_id)
        except NearfieldError as error:
            _log.error("release %s is not held: %s", release_id, error)
    return held


def _to_hold(settings: Settings) -> tuple[str, list[str]]:
    """The live release, and which others: the one before it and the one compacted into it, where they are still there,
    and the pinned ones.

    Asked through a store and a loop of its own: a client of the engine belongs to the loop it is first used on,
    and the server's does not run yet.
    """

    async def ask() -> tuple[str, list[str]]:
        store = open_store(settings)
        try:
            releases = Releases(settings.data_dir, store)
            live = await releases.live_id()
            # Pages that were begun before a compaction are turned on what was compacted.
            others = list(releases.manifest(live).lineage[-1:])
            with suppress(NoLiveReleaseError):
                others.append(await releases.previous_id())
            return live, [other for other in others if other in releases]
        finally:
            await store.close()

    # Runner with a factory, unlike asyncio.run, leaves the loop that the server has set in its place.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        live, before = runner.run(ask())
    return live, [release for release in dict.fromkeys((*before, *settings.pinned_releases)) if release != live]


def _no_encoder(release_id: str) -> TextEncoder:
    raise EncoderMissingError(f"release {release_id} was built without text vectors: it needs no text encoder")


def _load_encoder(place: EncoderPlace | None) -> TextEncoder:
    folder = local_encoder(place)
    # What is not there is said at once: the import below, in the gate's thread, takes 6 s.
    find_encoder(folder)
    from embedding.text.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(folder)
