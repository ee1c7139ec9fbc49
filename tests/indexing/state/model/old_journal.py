"""The journal as it was: a collection of two copies on a server, where a failed write stays on the copies that live.

Whoever writes takes the number after the last one that the asked copy has; a write is acknowledged when both copies
have it. Whoever reads asks a copy for what comes after the last number that it has seen.
What the server does with copies was seen on Qdrant 1.19.0: three nodes, two copies, both required.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.indexing.state.model.rules import Promise
from tests.indexing.state.model.search import Step

CHANGES = 2


class OldWorld(NamedTuple):
    """Two copies of the journal, somebody who reads it, and what was acknowledged."""

    copies: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    """The changes of each copy, in the order of their numbers."""
    dead: int | None = None
    """The node that is away."""
    given_up: int | None = None
    """The copy that the cluster calls dead, whether its node lives or not."""
    seen: int = 0
    """The last number that the reader has seen."""
    view: int = 0
    acknowledged: int = 0
    refused: int = 0
    """Changes that were answered with an error."""


def old_steps(world: OldWorld) -> Iterator[Step[OldWorld]]:
    """All that may happen next."""
    living = [copy for copy in (0, 1) if copy != world.dead]
    if world.dead is None:
        for copy in (0, 1):
            yield f"the node of copy {copy} is killed", world._replace(dead=copy), None
    else:
        yield "the node is back", _back(world), None
        if world.given_up is None and world.refused:
            (alive,) = living
            yield f"the cluster gives up copy {alive}, which lives", world._replace(given_up=alive), None
    for copy in living:
        if copy == world.given_up:
            continue
        yield from _reads(world, world.copies[copy])
        for change in range(CHANGES):
            if not (world.acknowledged | world.refused) >> change & 1:
                yield _written(world, change, len(world.copies[copy]))


def _back(world: OldWorld) -> OldWorld:
    """What the cluster calls dead is made anew from the copy that it calls alive."""
    if world.given_up is None:
        return world._replace(dead=None)
    alive = world.copies[1 - world.given_up]
    return world._replace(dead=None, given_up=None, copies=(alive, alive))


def _written(world: OldWorld, change: int, after: int) -> Step[OldWorld]:
    copies = tuple(
        (*copy, change) if number != world.dead and number != world.given_up and len(copy) == after else copy
        for number, copy in enumerate(world.copies)
    )
    written = world._replace(copies=(copies[0], copies[1]))
    if world.dead is None and all(change in copy for copy in copies):
        return f"change {change} is acknowledged", written._replace(acknowledged=world.acknowledged | 1 << change), None
    return f"change {change} is refused", written._replace(refused=world.refused | 1 << change), None


def _reads(world: OldWorld, copy: tuple[int, ...]) -> Iterator[Step[OldWorld]]:
    view = world.view
    for change in copy[world.seen :]:
        view |= 1 << change
    read = world._replace(seen=max(world.seen, len(copy)), view=view)
    yield "the reader reads, and answers", read, Promise.SHOWN if world.acknowledged & ~view else None
