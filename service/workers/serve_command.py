"""`nearfield serve`: what is checked before any worker starts, and what a person is told."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

import click
from msgspec.structs import replace

from embedding.errors import EncoderMissingError, NearfieldError, UsageError
from embedding.settings import EncoderPlace
from embedding.text.encoder_hub import fetched_encoder
from indexing.releases.releases import Releases
from indexing.rules.payload_fields import check_payload_fields
from indexing.state.open import open_state
from indexing.state.proposal import Proposal
from indexing.stores.open import backend_of, open_store
from service.schemas.settings import Settings
from service.workers.environ import as_environ
from service.workers.listeners import Listeners, is_loopback
from service.workers.live_watch import LiveWatch, Look, Seen, Told
from service.workers.log_lines import configure_logging
from service.workers.pace import Pace
from service.workers.processes import WorkerProcesses
from service.workers.supervisor import Supervisor

_log = logging.getLogger("nearfield.service")

_FACTORY = "service.main:build_app"
# What its workers import, the encoder's library last: it takes the longest.
_IMPORTED_ONCE = ("service.main", "embedding.text.sentence_encoder")
# On files a look reads two small ones. To a database it is a question over the network.
_LOOK_EVERY_S = {"files": 0.1, "database": 0.5}
# What a request in flight may still take after it has waited for the encoder.
_FINISH_S = 30.0


def serve(settings: Settings, when_ready: Callable[[str], None] | None = None) -> None:
    """Answer over HTTP until SIGTERM or SIGINT, with fresh workers when another release is live.

    `when_ready` is called with the address (`host:port`) when every worker answers for the first time.
    An encoder that is named by hub is looked for, or fetched, once, here: the workers are given its folder.
    Before anything is loaded: what `listen` raises, and NoLiveReleaseError where nothing was activated.
    NearfieldError with the reason when the workers cannot start.
    """
    interval_s = _LOOK_EVERY_S["database" if settings.state_url else "files"]
    pace = Pace(finish_s=settings.encoder_wait_s + _FINISH_S)
    with closing(listen(settings)) as listeners, closing(LiveWatch(partial(_looking, settings), interval_s)) as watch:

        def say_ready(release: str) -> None:
            workers = "1 worker" if settings.workers == 1 else f"{settings.workers} workers"
            click.echo(
                f"Nearfield serves release {release} on http://{listeners.address} with {workers} "
                "(API page: /schema; Ctrl-C stops it)",
                err=True,
            )
            if when_ready is not None:
                when_ready(listeners.address)

        configure_logging()
        for warning in backend_of(settings).warnings(settings):
            _log.warning("%s", warning)
        environ, processes = as_environ(with_encoder_folder(settings)), WorkerProcesses(_IMPORTED_ONCE)
        Supervisor(listeners, _FACTORY, environ, watch, say_ready, pace, processes).run()


def listen(settings: Settings) -> Listeners:
    """The sockets that the settings ask for.

    UsageError for an address off loopback without `open_queries`, BusyError for a port in use.
    """
    if not is_loopback(settings.host) and not settings.open_queries:
        raise UsageError(
            f"host: {settings.host} can be reached from other machines, and queries need no token. "
            "Set open_queries = true (NEARFIELD_OPEN_QUERIES=true) if everyone who reaches it may ask, "
            "or listen on 127.0.0.1."
        )
    return Listeners(settings.host, settings.port, settings.workers)


def with_encoder_folder(settings: Settings) -> Settings:
    """The settings with the folder of an encoder that they name by hub, so that no worker looks for it."""
    if settings.encoder is None:
        return settings
    try:
        folder = fetched_encoder(settings.encoder)
    except EncoderMissingError as error:
        # All but texts can be answered; /health/ready goes on saying so.
        _log.error("there is no text encoder: %s", error)
        return settings
    return replace(settings, encoder=EncoderPlace(folder))


@contextmanager
def _looking(settings: Settings) -> Iterator[Look]:
    with asyncio.Runner() as runner:
        store, state = open_store(settings), open_state(settings)
        releases = Releases(settings.data_dir, store, state)
        proposal = Proposal(settings.rules, settings.data_dir / "rules")

        async def ask(told: Told) -> Seen:
            await state.report(told.loaded, told.gone)
            pointer = await state.pointer()
            live = await releases.live_id()
            wanted = pointer.target or live
            encoders = {releases.manifest(one).encoder_hash for one in (live, wanted)}
            return Seen(live, wanted, together=len(encoders) == 1)

        def look(told: Told) -> Seen:
            seen = runner.run(ask(told))
            if settings.state_url is None:
                # Of many hosts none may put its own file in force for all.
                proposal.take_up(seen.live, lambda ruleset: check_payload_fields(ruleset, releases.manifest(seen.live)))
            return seen

        try:
            runner.run(state.serving(settings.data_dir))
            yield look
        finally:
            with suppress(NearfieldError):
                runner.run(state.served())
            runner.run(store.close())
            runner.run(state.close())
