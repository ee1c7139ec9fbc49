"""In which order two builds take their turns, so that what slows the machine down for a while falls on both."""

import time

from benchmarks.against.builds import Side
from benchmarks.against.turn import Figure, Turn

# Pairs of turns, of this build and of the other.
Turns = dict[Figure, list[tuple[Turn, Turn]]]


def take_turns(this: Side, other: Side, seconds: float, turns: Turns) -> None:
    """Add pairs of turns of every figure that both builds have, one of each at least."""
    figures = [figure for figure in this.figures if figure in other.figures]
    until, rounds = time.monotonic() + seconds, 0
    while not rounds or time.monotonic() < until:
        for figure in figures:
            pairs = turns.setdefault(figure, [])
            if len(pairs) % 2:
                second = other.take(figure)
                pairs.append((this.take(figure), second))
            else:
                first = this.take(figure)
                pairs.append((first, other.take(figure)))
        rounds += 1
