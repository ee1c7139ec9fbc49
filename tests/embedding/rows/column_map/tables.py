"""Tables with columns of their own, and what is read of them by a map."""

from pathlib import Path

from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.declaration import parse_map
from embedding.rows.column_map.row_parsers import mapped_rows
from embedding.rows.rejects import Reject, Rejects
from embedding.rows.schema import Item

# What every test's table has beside the columns that it is about.
HEAD = """
[catalogue]
{layout}
[catalogue.fields]
id = "Code"
kind = {{ constant = "track" }}
title = "Title"
creator = "Artist"
"""


def head(layout: str = "") -> str:
    """The beginning of a map: `layout` in its first table, then id, kind, title and creator."""
    return HEAD.format(layout=layout)


def read_mapped(path: Path, text: str) -> tuple[list[Item], list[Reject]]:
    """The items of `path` by the map `text`, and its rejects."""
    rows = mapped_rows(parse_map(text, "map.toml"), "map.toml")
    with Rejects(path.with_name("rejects.jsonl")) as rejects:
        items = [item for batch in read_catalogue(path, rejects, parser=rows.catalogue) for item in batch]
    return items, rejects.first


def csv_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """A CSV file of `lines`."""
    path = folder / "table.csv"
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode(encoding))
    return path


def cell(folder: Path, heading: str, written: str, text: str) -> tuple[list[Item], list[Reject]]:
    """What a table of one row gives whose last column is `heading` and holds `written`; `text`: the rest of the map."""
    quoted = '"' + written.replace('"', '""') + '"'
    return read_mapped(csv_file(folder, f"Code,Title,Artist,{heading}", f"c-1,T,A,{quoted}"), head() + text)
