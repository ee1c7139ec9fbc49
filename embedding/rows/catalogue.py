"""Catalogue rows from files: every field validated, the first row of an id kept."""

from collections.abc import Iterator
from pathlib import Path

from embedding.rows.catalogue_fields import RawItem
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.compact_id_map import CompactIdMap
from embedding.rows.readers import read_batches, source_files
from embedding.rows.rejects import Fault, Rejects, shown
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Item
from embedding.rows.unchanged_lines import UnchangedLines

# A place is a file's number and a line in one integer; no file has 2**40 lines.
_LINE_BITS = 40


def read_catalogue(
    path: Path,
    rejects: Rejects,
    ids: CompactIdMap | None = None,
    unchanged: UnchangedLines | None = None,
    parser: RowParser[RawItem, Item] = CATALOGUE_PARSER,
) -> Iterator[list[Item]]:
    """Items of a file or folder in batches of at most 4,096; bad rows go to `rejects`.

    `ids` is filled with the ids accepted, for callers that look them up later. Lines that `unchanged` knows are
    skipped; whether a later row repeats the id of one of them is for the caller to check.
    `parser`: how a row is read; see RowParsers.
    Raises NotFoundError where there is no such file, RejectedInputError for a name that no reader takes, and, after
    all else was read, for a file that is empty or damaged.
    """
    first_places = CompactIdMap() if ids is None else ids
    files = source_files(path)

    def check(item: Item, file_number: int, line: int, is_good: bool) -> Fault | None:
        place = file_number << _LINE_BITS | line
        # The first good row of an id is kept.
        earlier = first_places.add(item.id, place) if is_good else first_places.get(item.id)
        if earlier is None:
            return None
        first_file, first_line = files[earlier >> _LINE_BITS], earlier & ((1 << _LINE_BITS) - 1)
        where = f"line {first_line}" if files[file_number] == first_file else f"{first_file.name}:{first_line}"
        return Fault("id", f"an id that did not come before (first at {where})", shown(item.id))

    yield from read_batches(path, parser, rejects, check, unchanged)
