"""The composition root of a worker: from settings to dependencies, everything checked before it answers."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from litestar import Litestar
from msgspec import Struct

from embedding.errors import NearfieldError
from embedding.protocols import TextEncoder
from embedding.rows.schema import Item
from embedding.text.text_vectors import CachedText, NoText
from embedding.text.vector_cache import VectorCache
from embedding.towers.model import Towers
from indexing.errors import NoLiveReleaseError
from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.release.release_encoder import release_encoder
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.releases.retention import hold as hold_release
from indexing.rules.compiled import HardRules
from indexing.rules.declaration import RuleSet
from indexing.rules.payload_fields import check_payload_fields
from indexing.state.contract import StateStore
from indexing.state.open import open_state
from indexing.state.open_both import open_both
from indexing.state.records import Put
from indexing.stores.open import open_store
from service.app import create_app
from service.changes.changes import MakePuts
from service.changes.following import Following, Held, LookingFollower
from service.changes.release_subprocess import activate_apart, compact_apart
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import Cursors
from service.ranking.encoder_gate import EncoderGate, NoEncoderNeededError
from service.schemas.load_settings import load_settings
from service.schemas.settings import Settings
from service.workers.environ import as_environ

_log = logging.getLogger("nearfield.service")

REPLACING = "NEARFIELD_REPLACING"
RELEASE = "NEARFIELD_RELEASE"
"""The release that its supervisor wants this worker to hold: the live one, or the one that is to be."""
WORKER = "NEARFIELD_WORKER"
"""What names this worker's lease, so that its supervisor can give it up."""


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
    found = _found(settings)
    live_id, (version, ruleset) = found.live, found.rules
    store, state = open_store(settings, found.state_id), open_state(settings)
    releases = Releases(settings.data_dir, store, state)

    def hold(release_id: str) -> LoadedRelease:
        release = releases.open(release_id)
        releases.check_reach(release.manifest, found.begins, found.end)
        check_payload_fields(ruleset, release.manifest)
        release.look_at_names()
        tower = None if release.model_folder is None else Towers.load(release.model_folder)
        if tower is not None:
            release.check_tower(tower.model_hash)
        return LoadedRelease(
            release=release,
            rows=CurrentRows(release),
            rules=HardRules(ruleset, version, release.classes, release.engine_form(store.prepare), release.share),
            tower=tower,
            held=hold_release(release.folder),
        )

    now = state.known_now
    live = hold(live_id)
    held = {live_id: live, **_held(found.others, hold)}

    # A worker holds one encoder for each hash among its releases.
    encoders = {
        release.manifest.encoder_hash: EncoderGate(partial(_load_encoder, release, settings), settings.encoder_wait_s)
        for release in (loaded.release for loaded in held.values())
    }
    encoder = encoders.pop(live.release.manifest.encoder_hash)
    environ = {**os.environ, **as_environ(settings)}
    return Dependencies(
        settings=settings,
        store=store,
        live=live,
        held=held,
        releases=releases,
        encoder=encoder,
        other_encoders={encoder_hash: gate for encoder_hash, gate in encoders.items() if encoder_hash is not None},
        cursors=Cursors(found.cursor_key, settings.cursor_ttl_s, now),
        now=now,
        state=state,
        follow=partial(_follower, settings, state, tuple(held)),
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


class _Found(Struct, frozen=True):
    """What the state says before anything is opened: the live release, which `others` to hold, rules in force (version
    and rules), and the cursors' key."""

    live: str
    others: tuple[str, ...]
    rules: tuple[str, RuleSet]
    cursor_key: bytes
    # Of the log.
    begins: int
    end: int
    state_id: str


def _found(settings: Settings) -> _Found:
    """Others to hold are the one before the live one and the one compacted into it, where they are still there, and the
    pinned ones.

    Asked through a state and a loop of its own: connections belong to the loop that they are first used on, and the
    server's does not run yet.
    """

    async def ask() -> _Found:
        state, store = await open_both(settings)
        try:
            releases = Releases(settings.data_dir, store, state)
            now = await releases.live_id()
            wanted = os.environ.get(RELEASE, now)
            # A worker has one encoder: where the two need unlike ones, it answers once the wanted one is live.
            together = releases.manifest(now).encoder_hash == releases.manifest(wanted).encoder_hash
            live = now if together else wanted
            # Pages that were begun before a compaction are turned on what was compacted.
            before = [now, wanted, *releases.manifest(wanted).lineage[-1:], *releases.manifest(now).lineage[-1:]]
            with suppress(NoLiveReleaseError):
                before.append(await releases.previous_id())
            to_hold = (*(other for other in before if other in releases), *settings.pinned_releases)
            others = tuple(release for release in dict.fromkeys(to_hold) if release != live)
            reach = await state.begins(), await state.end(), await state.id()
            return _Found(live, others, await state.rules(), await state.cursor_key(), *reach)
        finally:
            await store.close()
            await state.close()

    # Runner with a factory, unlike asyncio.run, leaves the loop that the server has set in its place.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(ask())


def _follower(settings: Settings, state: StateStore, releases: tuple[str, ...], held: Held) -> Following:
    """How this process keeps up with `state`, answering from `releases`."""
    if settings.state_url is None:
        return LookingFollower(held, state)
    from service.changes.leased_follower import leased_follower

    return leased_follower(settings, state, os.environ.get(WORKER, str(uuid4())), releases, held)


def _load_encoder(release: Release, settings: Settings) -> TextEncoder:
    # What is not there is said at once: the import below, in the gate's thread, takes 6 s.
    found = release_encoder(release, settings)
    if found is None:
        raise NoEncoderNeededError(f"release {release.id} was built without text vectors: it needs no text encoder")
    from embedding.text.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(found)
