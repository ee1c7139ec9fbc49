"""`nearfield index takedown` and `lift`."""

import asyncio

import click

from indexing.command_options import author, json_option, pass_settings, print_json
from indexing.commands.acknowledged import wait_everywhere
from indexing.settings import IndexingSettings

_why = click.option("--why", default="", metavar="TEXT", help="Kept with the change, beside who made it.")
_items = click.argument("items", nargs=-1, required=True, metavar="ITEM...")


@click.command()
@_items
@_why
@json_option
@pass_settings
def takedown(settings: IndexingSettings, items: tuple[str, ...], why: str, as_json: bool) -> None:
    """Hide each ITEM from every answer of every release, past and future, until it is lifted.

    Holds from the next request of a running service. An id that the live release does not have is hidden
    as soon as it comes.

    \b
    Example:
      nearfield index takedown track-17 episode-3
    """
    from indexing.journal.takedowns import take_down
    from indexing.releases.workspace import open_workspace

    async def work() -> list[str]:
        async with open_workspace(settings) as workspace:
            await wait_everywhere(workspace.state, await take_down(workspace.state, items, by=author(), why=why))
            live = await workspace.live_or_none()
            return [item_id for item_id in items if live is None or live.row_of(item_id) < 0]

    unknown = asyncio.run(work())
    if as_json:
        print_json({"taken_down": items, "unknown": unknown})
        return
    for item_id in unknown:
        click.echo(f"{item_id} is not in the live release: it is hidden as soon as it comes", err=True)
    print(f"{len(items)} taken down")


@click.command()
@_items
@_why
@json_option
@pass_settings
def lift(settings: IndexingSettings, items: tuple[str, ...], why: str, as_json: bool) -> None:
    """Undo the takedown of each ITEM, from the next request on.

    \b
    Example:
      nearfield index lift track-17
    """
    from indexing.journal.takedowns import lift as lift_ids
    from indexing.releases.workspace import open_workspace

    async def work() -> tuple[str, ...]:
        async with open_workspace(settings) as workspace:
            idle = await lift_ids(workspace.state, items, by=author(), why=why)
            await wait_everywhere(workspace.state, await workspace.state.end())
            return idle

    idle = asyncio.run(work())
    if as_json:
        print_json({"lifted": [item_id for item_id in items if item_id not in idle], "not_taken_down": idle})
        return
    for item_id in idle:
        click.echo(f"{item_id} was not taken down", err=True)
    print(f"{len(set(items)) - len(idle)} lifted")
