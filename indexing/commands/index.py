"""The `nearfield index` commands: build, activate, rollback, compact; the others are added to them."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from embedding.commands.options import ROWS
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from indexing.command_options import (
    by_option,
    existing,
    json_option,
    map_option,
    pass_settings,
    print_json,
    why_option,
)
from indexing.commands.doctor import doctor
from indexing.commands.history import history
from indexing.commands.pull import pull
from indexing.commands.push import push
from indexing.commands.status import status
from indexing.commands.sync import diff, sync
from indexing.commands.takedowns import lift, takedown, takedowns
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from indexing.releases.workspace import Workspace

_without_option = click.option(
    "--without", multiple=True, metavar="HOST", help="Switch though HOST has not loaded it; may come again."
)
_widen_option = click.option("--widen", is_flag=True, help="Go back even where rows would be open wider than now.")
T = TypeVar("T")


@click.group()
def index() -> None:
    """Build releases and choose the one that is live."""


@index.command()
@click.argument("catalogue", type=ROWS)
@click.option("--model", type=existing, help="Model folder; left out, the release searches by text only.")
@click.option("--interactions", type=ROWS, help="Listens: history and heard items of the known users.")
@map_option
@click.option("--activate/--no-activate", default=False, help="Make the release live when it is built.")
@click.option(
    "--text/--no-text", default=True, help="Without text vectors nothing is encoded, and nothing found by `search`."
)
@click.option("--force", is_flag=True, help="Finish it in spite of what it does not keep of the live release.")
@by_option
@why_option
@json_option
@progress_option
@pass_settings
@goes_on("What is live is as it was. The same command goes on with the build, and encodes nothing twice.")
def build(
    settings: IndexingSettings,
    catalogue: Path,
    model: Path | None,
    interactions: Path | None,
    map_path: Path | None,
    activate: bool,
    text: bool,
    force: bool,
    by: str,
    why: str,
    as_json: bool,
    progress: ProgressMode,
) -> None:
    """Build a release from CATALOGUE beside the live one.

    \b
    Example:
      nearfield index build catalogue.jsonl --model model --interactions interactions.jsonl --activate
    """
    from embedding.rows.column_map.row_parsers import rows_by
    from indexing.building.build import BuildInputs
    from indexing.building.run import build_from_settings
    from indexing.releases.releases import Author

    reporter = Reporter(progress)
    inputs = BuildInputs(catalogue=catalogue, model=model, interactions=interactions, rows=rows_by(map_path))
    manifest = asyncio.run(
        build_from_settings(
            inputs, settings, reporter, activate=activate, force=force, text=text, author=Author(by, why)
        )
    )
    if as_json:
        print_json({"release": manifest.id, "counts": manifest.counts, "gate": manifest.gate, "activated": activate})
        return
    counts = manifest.counts
    reporter.say(
        f"Release {manifest.id}: {counts.points} points ({counts.tracks} tracks, {counts.episodes} episodes), "
        f"{counts.users} users; canary recall@10 {manifest.gate.canary_recall}."
    )
    if counts.rejected_rows or counts.rejected_interactions:
        reporter.say(
            f"Rejected {counts.rejected_rows} catalogue rows and {counts.rejected_interactions} interactions; "
            f"see {settings.data_dir / 'rejects'}."
        )
    print(manifest.id if activate else f"{manifest.id}  (not live: nearfield index activate {manifest.id})")


@index.command()
@click.argument("release")
@_widen_option
@_without_option
@by_option
@why_option
@json_option
@pass_settings
def activate(
    settings: IndexingSettings, release: str, widen: bool, without: tuple[str, ...], by: str, why: str, as_json: bool
) -> None:
    """Make RELEASE live, after checking every byte of it. A running service takes it up by itself.

    An older release that would open rows wider than they are now is refused without --widen.

    \b
    Example:
      nearfield index activate r20261123074500123
    """
    from indexing.releases.activation import activate as make_live
    from indexing.releases.releases import Author

    author = Author(by, why)
    _with_place(settings, lambda workspace: make_live(workspace, release, widen=widen, author=author, without=without))
    print_json({"live": release}) if as_json else print(f"{release} is live")


@index.command()
@_widen_option
@_without_option
@by_option
@why_option
@json_option
@pass_settings
def rollback(
    settings: IndexingSettings, widen: bool, without: tuple[str, ...], by: str, why: str, as_json: bool
) -> None:
    """Return to the release that was live before.

    Refused without --widen where it would open rows wider than they are now.

    \b
    Example:
      nearfield index rollback
    """
    from indexing.releases.activation import rollback as go_back
    from indexing.releases.releases import Author

    author = Author(by, why)
    release = _with_place(settings, lambda workspace: go_back(workspace, widen=widen, author=author, without=without))
    print_json({"live": release}) if as_json else print(f"{release} is live again")


@index.command()
@click.option("--if-due", is_flag=True, help="Only where the journal holds more than `max_journal_share` allows.")
@by_option
@json_option
@progress_option
@pass_settings
@goes_on("What is live is as it was. The same command goes on.")
def compact(settings: IndexingSettings, if_due: bool, by: str, as_json: bool, progress: ProgressMode) -> None:
    """Make a release of what is live, journal included, so that the journal starts small again.

    Syncs and the service start it by themselves. Nothing is encoded, no answer changes, and `index rollback` still
    goes back to the build before.

    \b
    Example:
      nearfield index compact
    """
    from indexing.building.compaction import compact as make_compaction
    from indexing.releases.releases import Author

    reporter, author = Reporter(progress), Author(by, "compaction")
    made = _with_place(
        settings, lambda workspace: make_compaction(workspace, reporter, only_if_due=if_due, author=author)
    )
    if as_json:
        print_json({"release": made and made.id, "counts": made and made.counts})
    else:
        print(f"{made.id} is live" if made else "The journal is small: nothing was done")


def _with_place(settings: IndexingSettings, work: "Callable[[Workspace], Coroutine[Any, Any, T]]") -> T:
    from indexing.releases.workspace import open_workspace

    async def run() -> T:
        async with open_workspace(settings) as workspace:
            return await work(workspace)

    return asyncio.run(run())


index.add_command(status)
index.add_command(doctor)
index.add_command(diff)
index.add_command(sync)
index.add_command(takedown)
index.add_command(lift)
index.add_command(takedowns)
index.add_command(history)
index.add_command(push)
index.add_command(pull)
