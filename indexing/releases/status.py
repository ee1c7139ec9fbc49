"""How things stand: releases, what is live, the rules in force, and how much the journal has changed since."""

from msgspec import Struct

from embedding.errors import NearfieldError
from indexing.errors import NoLiveReleaseError
from indexing.release.manifest import Manifest
from indexing.releases.workspace import Workspace
from indexing.state.proposal import refused_rules


class JournalStatus(Struct, frozen=True):
    """Rows that the journal put or removed since the live release was built, their share of its rows, and how many ids
    are taken down."""

    rows: int
    share: float
    taken_down: int


class Status(Struct, frozen=True, kw_only=True):
    """What `nearfield index status --json` prints; `journal` is None where nothing is live or it cannot be read."""

    live: str | None
    rules: str
    rules_refused: str | None
    journal: JournalStatus | None
    # Why the live release or the journal cannot be read.
    trouble: str | None
    releases: list[Manifest]
    unfinished: list[str]
    # Who builds, compacts or syncs now, and since when.
    at_work: str | None
    damaged: dict[str, str]


async def status_of(workspace: Workspace) -> Status:
    """The status; what is damaged, or a server that is silent, is told in it and stops nothing."""
    releases = workspace.releases
    live, journal, trouble = None, None, None
    try:
        live = await releases.live_id()
        rows = await workspace.live()
        share = rows.num_journalled / max(1, rows.num_own)
        journal = JournalStatus(rows.num_journalled, round(share, 6), len(rows.taken_down))
    except NoLiveReleaseError:
        pass
    except NearfieldError as error:
        trouble = str(error)
    version, _ = await workspace.state.rules()
    return Status(
        live=live,
        rules=version,
        rules_refused=refused_rules(workspace.settings.data_dir / "rules"),
        journal=journal,
        trouble=trouble,
        releases=releases.manifests(),
        unfinished=releases.unfinished(),
        at_work=await workspace.state.build_holder(),
        damaged=releases.damaged(),
    )
