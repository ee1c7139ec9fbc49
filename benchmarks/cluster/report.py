"""Bars, and whether they were met."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.cluster.load import Asked, Changed

_WIDTH = 150
_MOST_TROUBLES = 8


class Bar(Struct, frozen=True):
    """What is claimed, what came, what was wanted, and whether that was met."""

    claim: str
    came: str
    wanted: str
    met: bool


def most(claim: str, came: float, bound: float, unit: str = "") -> Bar:
    """`came` may be `bound` or less."""
    return Bar(claim, _figure(came, unit), f"<= {_figure(bound, unit)}", came <= bound)


def least(claim: str, came: float, bound: float, unit: str = "") -> Bar:
    """`came` must be `bound` or more."""
    return Bar(claim, _figure(came, unit), f">= {_figure(bound, unit)}", came >= bound)


def percentile(seconds: Sequence[float], share: float) -> float:
    """What `share` per cent stayed within; 0 of none."""
    return float(np.percentile(seconds, share)) if seconds else 0.0


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose first column is words."""
    table = Table(title=title)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=_WIDTH).print(table)


def all_met(bars: Sequence[Bar]) -> bool:
    """Prints each bar with PASS or MISSED; whether all were met."""
    rows = [(bar.claim, bar.came, bar.wanted, "PASS" if bar.met else "MISSED") for bar in bars]
    print_table("bars", ("claim", "came", "wanted", ""), rows)
    return all(bar.met for bar in bars)


def print_troubles(queries: Sequence[Asked], changes: Sequence[Changed]) -> None:
    """What went wrong in words, the commonest first."""
    console = Console(width=_WIDTH)
    for name, several in (("queries", queries), ("changes", changes)):
        troubles = Counter(one.trouble for one in several if one.trouble)
        for trouble, times in troubles.most_common(_MOST_TROUBLES):
            console.print(f"{name}, {times} times: {trouble}", markup=False, highlight=False)
    for one in [one for one in queries if one.wrongly_shown][:_MOST_TROUBLES]:
        console.print(f"shown though taken down: {one}", markup=False, highlight=False)


def _figure(value: float, unit: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if not unit else f"{value:.2f} {unit}" if unit == "s" else f"{value:.1f} {unit}"
