"""Every state that can be reached, nearest first: the way to the first broken promise, or that there is none."""

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import NamedTuple, TypeVar

from tests.indexing.state.model.rules import Promise

State = TypeVar("State", bound=Hashable)
Step = tuple[str, State, Promise | None]
"""What happens, what is then, and which promise that breaks."""


class Found(NamedTuple):
    """How a search ended."""

    states: int
    """How many states were reached."""
    broken: Promise | None
    way: tuple[str, ...]
    """The steps to the broken promise; no way is shorter."""


def search(
    first: State, steps: Callable[[State], Iterator[Step[State]]], promises: Collection[Promise] = tuple(Promise)
) -> Found:
    """Search breadth first from `first` for a step that breaks one of `promises`; all there is when there is none."""
    came_from: dict[State, tuple[State, str] | None] = {first: None}
    level = [first]
    while level:
        following = []
        for state in level:
            for what, then, broken in steps(state):
                if broken is not None and broken in promises:
                    return Found(len(came_from), broken, (*_way(came_from, state), what))
                if then not in came_from:
                    came_from[then] = (state, what)
                    following.append(then)
        level = following
    return Found(len(came_from), None, ())


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    steps = []
    before = came_from[state]
    while before is not None:
        state, what = before
        steps.append(what)
        before = came_from[state]
    return tuple(reversed(steps))
