"""What a supervisor asks the state while its workers answer, and what it does for its host meanwhile."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from embedding.errors import NearfieldError
from indexing.errors import ReleaseMissingError
from indexing.releases.activation import prune_and_tell
from indexing.releases.pull import ensure_local
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.releases.workspace import Workspace
from indexing.rules.payload_fields import check_payload_fields
from indexing.state.open_both import open_both
from indexing.state.proposal import Proposal
from service.schemas.settings import Settings
from service.workers.live_watch import Look, Seen, Told

_log = logging.getLogger("nearfield.service")


@contextmanager
def looking(settings: Settings) -> Iterator[Look]:
    """What `LiveWatch` looks with, in the thread that enters this: one event loop, one state, one store."""
    with asyncio.Runner() as runner:
        state, store = runner.run(open_both(settings))
        releases = Releases(settings.data_dir, store, state)
        host = _Host(Workspace(settings, store, releases, state, RecordEncoder(releases)))
        proposal = Proposal(settings.rules, settings.data_dir / "rules")

        def look(told: Told) -> Seen:
            seen = runner.run(host.look(told))
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


class _Host:
    """This host, as the state sees it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._live: str | None = None

    async def look(self, told: Told) -> Seen:
        """Tell what there is to tell; have what is live, and what is to be, on this disk; say which."""
        workspace = self._workspace
        if await workspace.state.report(told.loaded, told.gone):
            _log.warning("This host was forgotten (`nearfield state forget`), and lives: it says again what it keeps.")
            self._live = None
        pointer = await workspace.state.pointer()
        # Where nothing is live, this says so.
        live = pointer.live or await workspace.releases.live_id()
        wanted = pointer.target or live
        for release in (live, wanted):
            await self._have(release)
        if live != self._live and workspace.settings.state_url is not None:
            # Switched by another host: here too, what nobody needs goes.
            self._live = live
            await prune_and_tell(workspace)
        return Seen(live, wanted, together=live == wanted or self._encoder_of(live) == self._encoder_of(wanted))

    def _encoder_of(self, release: str) -> str | None:
        return self._workspace.releases.manifest(release).encoder_hash

    async def _have(self, release: str) -> None:
        workspace = self._workspace
        if release in workspace.releases:
            return
        if workspace.settings.release_store is None:
            raise ReleaseMissingError(
                f"Release {release} is to be served, and this host has no files of it. Set release_store to the folder "
                "or bucket that builds push to."
            )
        _log.info("Release %s is pulled from %s", release, workspace.settings.release_store)
        await ensure_local(workspace, release)
