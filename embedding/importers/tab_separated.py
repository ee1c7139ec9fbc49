"""Rows from tab-separated values under a header row: no quotes, one row a line."""

from pathlib import Path
from typing import Any

from embedding.importers.import_job import Reader, Records
from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage, read_lines


def read_tab_separated(encoding: str) -> Reader[Row]:
    """A reader of files in `encoding`; it raises FileDamage as `read_lines`, and where a required column is missing."""

    def read(path: Path, parser: RowParser[Any, Row]) -> Records[Row]:
        header: list[str] = []
        for number, line, _ in read_lines(path):
            try:
                cells = line.decode(encoding).rstrip("\r\n").split("\t")
            except UnicodeDecodeError as error:
                yield number, len(line), RowProblem("", f"{encoding} text", f"byte 0x{line[error.start]:02x}")
                continue
            if not header:
                header = cells
                missing = [name for name in parser.required if name not in header]
                if missing:
                    raise FileDamage(1, f"columns {', '.join(parser.required)}", f"columns {', '.join(header)}")
            elif len(cells) != len(header):
                if cells != [""]:
                    expected = f"{len(header)} values with tabs between"
                    yield number, len(line), RowProblem("", expected, f"{len(cells)}")
            else:
                try:
                    yield number, len(line), parser.from_fields(dict(zip(header, cells, strict=True)))
                except RowProblem as problem:
                    yield number, len(line), problem

    return read
