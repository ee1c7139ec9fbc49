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
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from benchmarks.against.builds import OURS, Build, Player, Side, WholeRuns
from benchmarks.against.report import report
from benchmarks.against.sitting import Turns, take_turns

# Each with processes of its own: where the system has put one's memory makes it faster or slower for as long as it
# lives (Mytkowicz and others, "Producing wrong data without doing anything obviously wrong", ASPLOS 2009).
_SITTINGS = 4


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
    if find_spec(f"benchmarks.{arguments.name}") is None:
        parser.error(f"there is no benchmark {arguments.name!r}; benchmarks/README.md has all")
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
    for sitting in range(_SITTINGS):
        # Neither is always the one that was started first.
        order = (this, other) if sitting % 2 == 0 else (other, this)
        with side_of(order[0]) as first, side_of(order[1]) as second:
            ours, theirs = (first, second) if order[0] is this else (second, first)
            take_turns(ours, theirs, 60 * arguments.minutes / _SITTINGS, turns)
    title = f"{arguments.name}: this build ({this.commit()}) and {other.root} ({other.commit()})"
    # A table that is written to a file is as wide as on a screen.
    sys.exit(report(title, turns, arguments.bar, Console(width=120)))


if __name__ == "__main__":
    main()
