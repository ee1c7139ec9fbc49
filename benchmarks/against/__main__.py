"""This build beside another one: how many times as fast it is, by turns on one machine, with 95 % intervals.

    python -m benchmarks.against WORKTREE NAME [--minutes 8] [--bar .98] [--whole] [what NAME takes …]

WORKTREE is a working tree of another commit (`git worktree add WORKTREE COMMIT`), NAME a benchmark. Each build runs its
own copy, from its own tree, over worlds that it has built itself (kept in --folder until what builds them changes).
Where `benchmarks/against/turns` has NAME, a process of each build stays, and single figures are taken in turns of a
second or so: this, other, other, this, until the minutes are over, in four sittings with fresh processes. Any other
benchmark, and each with --whole, is run as a whole in each turn. Ratios are of speed, this build's over the other's:
above 1 this one is faster, in a rate as in a time. Beside the ratio by the clock is that by the seconds of processors
that the same work took.
A bar is met when the interval of the ratio by the clock reaches it; the exit code is 1 when one is missed.
Paths that NAME takes must be absolute.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.against.builds import OURS, Build, Player, Side, WholeRuns
from benchmarks.against.ratio import ratio_of
from benchmarks.against.turn import Figure, Turn

# Each with processes of its own: where the system has put one's memory makes it faster or slower for as long as it
# lives (Mytkowicz and others, "Producing wrong data without doing anything obviously wrong", ASPLOS 2009).
_SITTINGS = 4

Turns = dict[Figure, list[tuple[Turn, Turn]]]


def main() -> None:
    """Parse the command line, measure, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("worktree", type=Path, metavar="WORKTREE")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=8.0, help="of turns; what is begun is ended")
    parser.add_argument("--bar", type=float, help="the least ratio")
    parser.add_argument("--whole", action="store_true", help="run the benchmark as a whole in each turn")
    parser.add_argument("--folder", type=Path, help="where worlds are built and kept")
    arguments, rest = parser.parse_known_args()
    this, other = Build(OURS), Build(arguments.worktree.resolve())
    folder = arguments.folder or Path(tempfile.gettempdir()) / "nearfield-against"
    by_turns = not arguments.whole and find_spec(f"benchmarks.against.turns.{arguments.name}") is not None

    def side_of(build: Build) -> Side:
        if by_turns:
            return Player(build, arguments.name, folder.resolve(), rest)
        return WholeRuns(build, arguments.name, rest)

    for build in (this, other):
        # Whoever has built a world is slower ever after.
        with side_of(build):
            pass
    turns: Turns = {}
    for _ in range(_SITTINGS):
        with side_of(this) as ours, side_of(other) as theirs:
            _take_turns(ours, theirs, 60 * arguments.minutes / _SITTINGS, turns)
    missed = _report(
        f"{arguments.name}: this build ({this.commit()}) and {other.root} ({other.commit()})", turns, arguments.bar
    )
    sys.exit(1 if missed else 0)


def _take_turns(this: Side, other: Side, seconds: float, turns: Turns) -> None:
    """Add pairs of turns of every figure that both builds have; the first turn of each is to get warm."""
    figures = [figure for figure in this.figures if figure in other.figures]
    for side in (this, other):
        for figure in figures:
            side.take(figure)
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


def _report(title: str, turns: Turns, bar: float | None) -> bool:
    """Print a row for each figure; whether one has missed the bar."""
    table = Table(title=title)
    for heading in (
        "",
        "pairs",
        "this",
        "other",
        "ratio, by the clock",
        "by CPU",
        *([] if bar is None else [f"≥ {bar:g}"]),
    ):
        table.add_column(heading, justify="left" if not heading else "right")
    missed = False
    for figure, pairs in turns.items():
        by_clock = ratio_of(*_speeds(pairs, lambda turn: turn.wall_s))
        by_cpu = ratio_of(*_speeds(pairs, lambda turn: turn.cpu_s))
        shown = [_shown(figure, median(speeds)) for speeds in _speeds(pairs, lambda turn: turn.wall_s)]
        verdict = [] if bar is None else ["met" if by_clock.reaches(bar) else "missed"]
        missed |= bar is not None and not by_clock.reaches(bar)
        table.add_row(figure.name, str(len(pairs)), *shown, str(by_clock), str(by_cpu), *verdict)
    Console(width=max(120, Console().width)).print(table)
    return missed


def _speeds(pairs: list[tuple[Turn, Turn]], seconds_of: Callable[[Turn], float]) -> tuple[list[float], list[float]]:
    """Work a second, of this build and of the other."""
    speeds = [[turn.work / seconds_of(turn) for turn in turns] for turns in zip(*pairs, strict=True)]
    return speeds[0], speeds[1]


def _shown(figure: Figure, speed: float) -> str:
    return f"{speed:,.0f} /s" if figure.unit == "/s" else f"{1_000 / speed:,.2f} ms"


if __name__ == "__main__":
    main()
