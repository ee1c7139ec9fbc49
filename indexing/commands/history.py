"""The command `nearfield index history`."""

import asyncio
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from indexing.command_options import json_option, pass_settings, print_json, signed
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.state.contract import Activation


@click.command()
@json_option
@pass_settings
def history(settings: IndexingSettings, as_json: bool) -> None:
    """Show which releases went live, oldest first: when, by whom and why, and what was done in spite of a warning.

    \b
    Example:
      nearfield index history --json
    """
    from indexing.state.open import open_state

    async def look() -> "list[Activation]":
        state = open_state(settings)
        try:
            return await state.activations()
        finally:
            await state.close()

    activations = asyncio.run(look())
    if as_json:
        print_json({"activations": [_as_json(one) for one in activations]})
        return
    for one in activations:
        _print(one)
    if not activations:
        print("No release was ever live.")


def _as_json(one: "Activation") -> dict[str, object]:
    # What an earlier version did not keep is not known; nobody is called nothing.
    return {**asdict(one), "by": one.by or None, "why": one.why or None}


def _print(one: "Activation") -> None:
    after = f" after {one.previous}" if one.previous else ""
    print(f"{one.at[:16].replace('T', ' ')}  {one.action} {one.release}{after}{signed(one.by, one.why)}")
    for spite in (
        *one.forced,
        *["rows are open wider"] * one.widened,
        *(f"{host} has not loaded it" for host in one.without),
    ):
        print(f"  in spite of: {spite}")
