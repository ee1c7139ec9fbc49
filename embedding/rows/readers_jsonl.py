"""Rows from JSON lines: one object a line, blank lines skipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedding.rows.rejects import shown
from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.streams import MAX_LINE_BYTES, read_lines
from embedding.rows.unchanged_lines import UnchangedLines


def too_long(line: bytes) -> RowProblem:
    """The problem of a row beyond the bound, of which `line` is the beginning."""
    return RowProblem("", f"a row of at most {MAX_LINE_BYTES:,} bytes", f"a longer one: {shown(line[:60])}")


def read_jsonl(
    path: Path, parser: RowParser[Any, Row], unchanged: UnchangedLines | None = None
) -> Iterator[tuple[int, int, Row | RowProblem]]:
    """Each line that `unchanged` does not know as (its number, its bytes, the row or what is wrong with it).

    Raises FileDamage as `read_lines`.
    """
    from_json = parser.from_json
    for number, line, whole in read_lines(path):
        if not whole:
            yield number, len(line), too_long(line)
        elif unchanged is None or not unchanged.knows(line):
            try:
                yield number, len(line), from_json(line)
            except RowProblem as problem:
                if line.strip():
                    yield number, len(line), problem
