"""`nearfield index takedown`, `lift` and `takedowns`."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from indexing.command_options import EXIT_FAILED, by_option, json_option, pass_settings, print_json, signed, why_option
from indexing.commands.acknowledged import wait_everywhere
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.journal.takedowns import Takedown
    from indexing.releases.releases import Releases

_items = click.argument("items", nargs=-1, required=True, metavar="ITEM...")


@click.command()
@_items
@click.option("--ahead", is_flag=True, help="Also ids that nothing is known of: hidden as soon as they come.")
@by_option
@why_option
@json_option
@pass_settings
def takedown(settings: IndexingSettings, items: tuple[str, ...], ahead: bool, by: str, why: str, as_json: bool) -> None:
    """Hide each ITEM from every answer of every release, past and future, until it is lifted.

    Holds from the next request of a running service. An id that neither a release kept here nor any change knows is
    named and left alone, and the exit code is 1 then; with --ahead it is hidden as soon as it comes.

    \b
    Example:
      nearfield index takedown track-17 episode-3
    """
    from indexing.journal.takedowns import take_down
    from indexing.releases.known_items import unknown_items
    from indexing.releases.workspace import open_workspace

    async def work() -> tuple[list[str], list[str], str]:
        async with open_workspace(settings) as workspace:
            unknown = await unknown_items(workspace.releases, items)
            taken = [item_id for item_id in dict.fromkeys(items) if ahead or item_id not in unknown]
            if taken:
                await wait_everywhere(workspace.state, await take_down(workspace.state, taken, by=by, why=why))
            return taken, unknown, await _looked_through(workspace.releases) if unknown else ""

    taken, unknown, looked_through = asyncio.run(work())
    for item_id in unknown:
        told = "it is hidden as soon as it comes" if ahead else "not taken down; --ahead hides it before it comes"
        click.echo(f"{item_id}: not in {looked_through}, nor in any change: {told}", err=True)
    print_json({"taken_down": taken, "unknown": unknown}) if as_json else print(f"{len(taken)} taken down")
    if unknown and not ahead:
        click.get_current_context().exit(EXIT_FAILED)


@click.command()
@_items
@by_option
@why_option
@json_option
@pass_settings
def lift(settings: IndexingSettings, items: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
    """Undo the takedown of each ITEM, from the next request on.

    One that was not taken down is named; where nothing at all is known of it, the exit code is 1.

    \b
    Example:
      nearfield index lift track-17
    """
    from indexing.journal.takedowns import lift as lift_ids
    from indexing.releases.known_items import unknown_items
    from indexing.releases.workspace import open_workspace

    async def work() -> tuple[Sequence[str], list[str], str]:
        async with open_workspace(settings) as workspace:
            idle = await lift_ids(workspace.state, items, by=by, why=why)
            await wait_everywhere(workspace.state, await workspace.state.end())
            unknown = await unknown_items(workspace.releases, idle)
            return idle, unknown, await _looked_through(workspace.releases) if unknown else ""

    idle, unknown, looked_through = asyncio.run(work())
    lifted = [item_id for item_id in dict.fromkeys(items) if item_id not in idle]
    for item_id in idle:
        told = f"not in {looked_through}, nor in any change" if item_id in unknown else "was not taken down"
        click.echo(f"{item_id}: {told}", err=True)
    if as_json:
        print_json({"lifted": lifted, "not_taken_down": idle, "unknown": unknown})
    else:
        print(f"{len(lifted)} lifted")
    if unknown:
        click.get_current_context().exit(EXIT_FAILED)


@click.command()
@json_option
@pass_settings
def takedowns(settings: IndexingSettings, as_json: bool) -> None:
    """List what is taken down, oldest first: since when and which release, by whom, and why.

    \b
    Example:
      nearfield index takedowns --json
    """
    from indexing.journal.takedowns import takedowns as all_takedowns
    from indexing.state.open import open_state

    async def look() -> "Sequence[Takedown]":
        state = open_state(settings)
        try:
            return await all_takedowns(state)
        finally:
            await state.close()

    found = asyncio.run(look())
    if as_json:
        print_json({"takedowns": found})
        return
    for one in found:
        release = f" ({one.since_release})" if one.since_release else ""
        print(f"{one.id}  since {one.at[:16].replace('T', ' ')}{release}{signed(one.by, one.why)}")
    if not found:
        print("Nothing is taken down.")


async def _looked_through(releases: "Releases") -> str:
    """Where an id was looked for, for a person; and that the live release is not here, where it is not."""
    kept = [manifest.id for manifest in releases.manifests()]
    live = await releases.state.live()
    told = f"the releases kept here ({', '.join(kept)})" if kept else "any release, as none is kept here"
    elsewhere = live is not None and live not in kept
    return f"{told} (not even {live}, which is live: `nearfield index pull {live}`)" if elsewhere else told
