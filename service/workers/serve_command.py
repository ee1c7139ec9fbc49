"""`nearfield serve`: what is checked before any worker starts, and what a person is told."""

import logging
from collections.abc import Callable
from contextlib import closing
from functools import partial

import click
from msgspec.structs import replace

from embedding.errors import EncoderMissingError, UsageError
from embedding.settings import EncoderPlace
from embedding.text.encoder_hub import fetched_encoder
from indexing.stores.open import backend_of
from service.schemas.settings import Settings
from service.workers.environ import as_environ, thread_bounds
from service.workers.listeners import Listeners, is_loopback
from service.workers.live_watch import LiveWatch
from service.workers.log_lines import configure_logging
from service.workers.looking import looking
from service.workers.pace import Pace
from service.workers.peers import Peers
from service.workers.processes import WorkerProcesses
from service.workers.program import ClientLimits, Program
from service.workers.supervisor import Supervisor

_log = logging.getLogger("nearfield.service")

_FACTORY = "service.main:build_app"
# What its workers import, the encoder's library last: it takes the longest.
_IMPORTED_ONCE = ("service.main", "embedding.text.sentence_encoder")
# On files a look reads two small ones. To a database it is a question over the network.
_LOOK_EVERY_S = {"files": 0.1, "database": 0.5}
# What a request in flight may still take after it has waited for the encoder. All in all a service that is told to stop
# is gone within the 30 seconds that Kubernetes gives it.
_FINISH_S = 20.0


def worker_processes(settings: Settings) -> WorkerProcesses:
    """What starts the workers of `serve`. Its `prepare` may be called before there is anything to serve."""
    return WorkerProcesses(_IMPORTED_ONCE, thread_bounds(settings.threads))


def serve(
    settings: Settings,
    when_ready: Callable[[str], None] | None = None,
    processes: WorkerProcesses | None = None,
) -> None:
    """Answer over HTTP until SIGTERM or SIGINT, with fresh workers when another release is live.

    `when_ready` is called with the address (`host:port`) when every worker answers for the first time.
    `processes`: what `worker_processes` gave, where it was called before.
    An encoder that is named by hub is looked for, or fetched, once, here: the workers are given its folder.
    Before anything is loaded: what `listen` raises, and NoLiveReleaseError where nothing was activated.
    NearfieldError with the reason when the workers cannot start.
    """
    interval_s = _LOOK_EVERY_S["database" if settings.state_url else "files"]
    pace = Pace(finish_s=settings.encoder_wait_s + _FINISH_S)
    with closing(listen(settings)) as listeners, closing(LiveWatch(partial(looking, settings), interval_s)) as watch:

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
        program = Program(
            factory=_FACTORY,
            environ=as_environ(with_encoder_folder(settings)),
            limits=ClientLimits(
                body_timeout_s=settings.body_timeout_s,
                max_late_bodies=settings.max_late_bodies,
                trusted_proxies=settings.trusted_proxies,
            ),
        )
        Supervisor(listeners, program, watch, say_ready, pace, processes or worker_processes(settings)).run()


def listen(settings: Settings) -> Listeners:
    """The sockets that the settings ask for.

    UsageError for an address off loopback without `open_queries`, and for a proxy that has none; BusyError for a port
    in use.
    """
    Peers(settings.trusted_proxies)
    if not is_loopback(settings.host) and not settings.open_queries:
        raise UsageError(
            f"host: {settings.host} can be reached from other machines, and queries need no token. "
            "Set open_queries = true (NEARFIELD_OPEN_QUERIES=true) if everyone who reaches it may ask, "
            "or listen on 127.0.0.1."
        )
    return Listeners(settings.host, settings.port, settings.workers)


def with_encoder_folder(settings: Settings) -> Settings:
    """The settings with the folder of an encoder that they name by hub, so that no worker looks for it."""
    if settings.encoder is None or settings.encoder.hub_name is None:
        return settings
    try:
        folder = fetched_encoder(settings.encoder, settings.vector_cache_dir)
    except EncoderMissingError as error:
        # All but texts can be answered; /health/ready goes on saying so.
        _log.error("there is no text encoder: %s", error)
        return settings
    return replace(settings, encoder=EncoderPlace(folder))
