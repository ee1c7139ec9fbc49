"""A search report as a table."""

from rich.table import Table

from service.evaluation.asking import SearchReport
from service.evaluation.measures import MEASURES


def as_table(report: SearchReport) -> Table:
    """A line for each mode; behind each mean the bounds of its interval."""
    table = Table(title=f"{report.questions:,} questions, release {report.release}", box=None, pad_edge=False)
    table.add_column("mode")
    for measure in MEASURES:
        table.add_column(measure, justify="right")
    for mode, means in report.modes.items():
        table.add_row(mode, *(f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})" for one in means.values()))
    return table
