"""How a release goes live: the journal's rows are encoded for it first, and nothing is opened wider unasked."""

from collections.abc import Sequence

from msgspec.structs import replace

from embedding.errors import NearfieldError
from indexing.errors import HostsBehindError, NoLiveReleaseError, WideningError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.releases.releases import NOBODY, Author
from indexing.releases.retention import RetentionPolicy, prune
from indexing.releases.widening import widened
from indexing.releases.workspace import Workspace
from indexing.rules.payload_fields import check_payload_fields

_NAMED = 10


async def activate(
    workspace: Workspace, release_id: str, *, widen: bool = False, author: Author = NOBODY, without: Sequence[str] = ()
) -> None:
    """Make a release live, and remove old ones that nobody needs (indexing/releases/retention.py).

    Of many hosts all load it first, but those in `without`, which go on with the one before.
    Raises what `Releases.activate` raises, WideningError (see `_ready`), and HostsBehindError where hosts do not load
    it within `activate_wait_s`; the live release then stays.
    """
    widened = await _ready(workspace, release_id, widen=widen)
    await _load_everywhere(workspace, release_id, without)
    await workspace.releases.activate(release_id, replace(author, widened=widened, without=tuple(without)))
    await prune_and_tell(workspace)


async def prune_and_tell(workspace: Workspace) -> None:
    """Remove what is not to stay on this host, and tell the state what does."""
    settings = workspace.settings
    keeping = RetentionPolicy(settings.keep_releases, settings.max_release_bytes, settings.pinned_releases)
    await prune(workspace.releases, workspace.store, keeping)
    await workspace.state.keep(workspace.releases.kept())


async def rollback(
    workspace: Workspace, *, widen: bool = False, author: Author = NOBODY, without: Sequence[str] = ()
) -> str:
    """Return to the release that was live before; its id. Raises as `Releases.rollback`, and as `activate`."""
    release_id = await workspace.releases.previous_id()
    widened = await _ready(workspace, release_id, widen=widen)
    await _load_everywhere(workspace, release_id, without)
    return await workspace.releases.rollback(replace(author, widened=widened, without=tuple(without)))


async def _load_everywhere(workspace: Workspace, release_id: str, without: Sequence[str]) -> None:
    wait_s = workspace.settings.activate_wait_s
    try:
        behind = await workspace.state.prepare(release_id, wait_s, without)
    except BaseException:
        await workspace.state.withdraw()
        raise
    if behind:
        await workspace.state.withdraw()
        raise HostsBehindError(
            f"Release {release_id} was not loaded within {wait_s:g} s by {', '.join(behind)}: the live release stays. "
            "Look at the log there; or say --without HOST for each, which then go on with the release before."
        )


async def _ready(workspace: Workspace, release_id: str, *, widen: bool) -> bool:
    """Encode for the release what was journalled for other models; whether it opens rows wider.

    RulesError when the rules in force ask for a field that it does not have.
    WideningError when it is older than the live one and would open rows wider, unless `widen`.
    """
    release = workspace.releases.open(release_id)
    _, ruleset = await workspace.state.rules()
    check_payload_fields(ruleset, release.manifest)
    rows = await current_rows(release, workspace.state)
    await _encode_missing(workspace, rows)
    try:
        live_id = await workspace.releases.live_id()
    except NoLiveReleaseError:
        return False
    if release_id >= live_id:
        return False
    live = await current_rows(workspace.releases.open(live_id), workspace.state)
    found = widened(rows, live)
    if found and not widen:
        named = ", ".join(f"{row.id} ({', '.join(row.fields)})" for row in found[:_NAMED])
        raise WideningError(
            f"{len(found)} rows would be open wider on release {release_id} than on the live one: {named}"
            f"{', …' if len(found) > _NAMED else ''}. The live release stays; say --widen if that is meant."
        )
    return bool(found)


async def _encode_missing(workspace: Workspace, rows: CurrentRows) -> None:
    if not rows.unencoded:
        return
    with workspace.texts_of(rows.release) as texts:
        missing = workspace.record_encoder.missing(rows, texts)
    frame = await workspace.state.append(missing)
    for record in missing:
        rows.encoded(record)
    if rows.unencoded:
        manifest = rows.release.manifest
        raise NearfieldError(
            f"{len(rows.unencoded)} rows journalled since release {manifest.id} was built cannot be encoded for it "
            f"(frame {frame}): its model does not read vectors of text encoder {manifest.encoder_hash}. Build again."
        )
