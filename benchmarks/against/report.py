"""The table of a comparison: speeds, their ratio by the clock and by CPU, and which bars are missed."""

from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.against.ratio import ratio_of
from benchmarks.against.sitting import Turns
from benchmarks.against.turn import Figure, Turn


def report(title: str, turns: Turns, bar: float | None, console: Console) -> bool:
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
    console.print(table)
    return missed


def _speeds(pairs: list[tuple[Turn, Turn]], seconds_of: Callable[[Turn], float]) -> tuple[list[float], list[float]]:
    """Work a second, of this build and of the other."""
    speeds = [[turn.work / seconds_of(turn) for turn in turns] for turns in zip(*pairs, strict=True)]
    return speeds[0], speeds[1]


def _shown(figure: Figure, speed: float) -> str:
    return f"{speed:,.0f} /s" if figure.unit == "/s" else f"{1_000 / speed:,.2f} ms"
