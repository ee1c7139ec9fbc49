"""How a cursor names rows that were shown, so that every worker of every host finds the same items.

The release's own rows have the same numbers everywhere. A row that the log put has not: a worker that began later never
saw what was replaced since. Such a row is named by its item, and by -1, -2, … among the numbers.
"""

from collections.abc import Sequence

from indexing.journal.current_rows import CurrentRows
from service.arranging.arranger import ShownBefore


def marked(rows: CurrentRows, shown: ShownBefore) -> tuple[ShownBefore, list[int]]:
    """What was shown, with rows of the log as -1, -2, …, and the marks of those, first to last."""
    num_own = rows.num_own
    marks: list[int] = []
    if not rows.new.payloads or all(row < num_own for row in shown.rows):
        return shown, marks
    named = []
    for row in shown.rows:
        if row >= num_own:
            marks.append(rows.mark_of(row))
            named.append(-len(marks))
        else:
            named.append(row)
    return ShownBefore(tuple(named), shown.pool_depth), marks


def unmarked(rows: CurrentRows, shown: ShownBefore, marks: Sequence[int]) -> ShownBefore:
    """What was shown by the numbers that rows have here; an item that is no longer in the catalogue may have none."""
    if not marks:
        return shown
    found = (rows.row_marked(marks[-1 - row]) if row < 0 else row for row in shown.rows)
    return ShownBefore(tuple(row for row in found if row is not None), shown.pool_depth)
