"""How a release goes live: the journal's rows are encoded for it first, and nothing is opened wider unasked."""

from embedding.errors import NearfieldError
from indexing.errors import NoLiveReleaseError, WideningError
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.releases.retention import RetentionPolicy, prune
from indexing.releases.widening import widened
from indexing.releases.workspace import Workspace
from indexing.rules.accepted import AcceptedRules
from indexing.rules.payload_fields import check_payload_fields

_NAMED = 10


async def activate(workspace: Workspace, release_id: str, *, widen: bool = False) -> None:
    """Make a release live, and remove old ones that nobody needs (indexing/releases/retention.py).

    Raises what `Releases.activate` raises, and WideningError (see `_ready`).
    """
    await _ready(workspace, release_id, widen=widen)
    await workspace.releases.activate(release_id)
    settings = workspace.settings
    keeping = RetentionPolicy(settings.keep_releases, settings.max_release_bytes, settings.pinned_releases)
    await prune(workspace.releases, workspace.store, keeping)


async def rollback(workspace: Workspace, *, widen: bool = False) -> str:
    """Return to the release that was live before; its id. Raises as `Releases.rollback`, and WideningError."""
    await _ready(workspace, await workspace.releases.previous_id(), widen=widen)
    return await workspace.releases.rollback()


async def _ready(workspace: Workspace, release_id: str, *, widen: bool) -> None:
    """Encode for the release what was journalled for other models.

    RulesError when the rules in force ask for a field that it does not have.
    WideningError when it is older than the live one and would open rows wider, unless `widen`.
    """
    release = workspace.releases.open(release_id)
    _, ruleset = AcceptedRules(workspace.settings.data_dir / "rules").current()
    check_payload_fields(ruleset, release.manifest)
    rows = await current_rows(release, workspace.journal)
    await _encode_missing(workspace, rows)
    try:
        live_id = await workspace.releases.live_id()
    except NoLiveReleaseError:
        return
    if widen or release_id >= live_id:
        return
    live = await current_rows(workspace.releases.open(live_id), workspace.journal)
    found = widened(rows, live)
    if found:
        named = ", ".join(f"{row.id} ({', '.join(row.fields)})" for row in found[:_NAMED])
        raise WideningError(
            f"{len(found)} rows would be open wider on release {release_id} than on the live one: {named}"
            f"{', …' if len(found) > _NAMED else ''}. The live release stays; say --widen if that is meant."
        )


async def _encode_missing(workspace: Workspace, rows: CurrentRows) -> None:
    if not rows.unencoded:
        return
    with workspace.texts(rows.release.has_text) as texts:
        missing = workspace.record_encoder.missing(rows, texts)
    frame = await workspace.journal.append(missing)
    for record in missing:
        rows.encoded(record)
    if rows.unencoded:
        manifest = rows.release.manifest
        raise NearfieldError(
            f"{len(rows.unencoded)} rows journalled since release {manifest.id} was built cannot be encoded for it "
            f"(frame {frame}): it needs text encoder {manifest.encoder_hash}. Set `encoder` to that encoder's folder."
        )
