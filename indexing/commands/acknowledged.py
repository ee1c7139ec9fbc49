"""A command waits until what it changed holds everywhere, and says for whom it waits."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from indexing.state.contract import StateStore

_EVERY_S = 1.0


async def wait_everywhere(state: "StateStore", number: int) -> None:
    """Returns when change `number` holds in every worker that may answer; who is waited for is told on stderr."""
    told: list[str] = []
    while waiting := await state.unacknowledged(number, _EVERY_S):
        if waiting != told:
            told = waiting
            click.echo(
                f"kept; waiting until it holds everywhere, for {', '.join(waiting)} "
                "(a host that is off for good: nearfield state forget HOST)",
                err=True,
            )
