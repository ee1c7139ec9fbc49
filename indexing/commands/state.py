"""The `nearfield state` commands: where the state lies, bringing it elsewhere, and hosts that are gone."""

import asyncio
from typing import Literal

import click

from embedding.interruption import goes_on
from indexing.command_options import json_option, pass_settings, print_json
from indexing.settings import IndexingSettings

_Source = Literal["files", "database", "qdrant"]


@click.group()
def state() -> None:
    """Where all that changes is kept: files, or a database for many hosts."""


@state.command()
@click.argument("source", type=click.Choice(["files", "database", "qdrant"]))
@json_option
@pass_settings
@goes_on("The same command goes on with the move.")
def move(settings: IndexingSettings, source: _Source, as_json: bool) -> None:
    """Bring the state over from SOURCE, with its numbers, and end it there.

    \b
    files     from data_dir to the database of state_url
    database  from the database of state_url to data_dir
    qdrant    what an older Nearfield kept on the server of qdrant_url, to where the settings keep the state

    Stop the services first: one that still runs by the old place answers 503 from then on. A move that was interrupted
    is gone on with by the same command.

    \b
    Example:
      nearfield state move files
    """
    from indexing.state.open_places import move_from

    moved = asyncio.run(move_from(source, settings))
    if as_json:
        print_json({"from": moved.source, "to": moved.target, "id": moved.id, "changes": moved.end, "live": moved.live})
    else:
        print(f"{moved.end} changes, live {moved.live}: moved from {moved.source} to {moved.target}")


@state.command()
@click.argument("host")
@json_option
@pass_settings
def forget(settings: IndexingSettings, host: str, as_json: bool) -> None:
    """Wait no more for HOST, which is known to be dead.

    Its workers' leases end at once, and what it kept may go from the log. Where it still answers after all, it may show
    what was taken down since, until it has heard of it: be sure that it is off.

    \b
    Example:
      nearfield state forget host-3
    """
    from indexing.state.open import open_database

    async def work() -> bool:
        database = open_database(settings)
        from indexing.state.postgres_hosts import forget as end_waiting

        try:
            return await end_waiting(database.connection, host)
        finally:
            await database.close()

    known = asyncio.run(work())
    if as_json:
        print_json({"host": host, "known": known})
    else:
        print(f"{host} is waited for no more" if known else f"nothing was known of a host called {host}")
