"""A table read by its map and written as a catalogue, with the map beside it: all of it, or nothing."""

from pathlib import Path

from embedding.errors import NotFoundError
from embedding.importers.import_job import CATALOGUE
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.declaration import parse_map
from embedding.rows.column_map.row_parsers import mapped_rows
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles

MAP = "map.toml"


def import_table(
    file: Path, folder: Path, text: str, name: str, rejects: Rejects, max_reject_share: float, reporter: Reporter
) -> int:
    """Write `folder`/catalogue.jsonl and the map `text` as `folder`/map.toml; how many items there are.

    `name`: what messages call the map. Nothing is written unless all can be. Raises UsageError for a map that is none
    of a catalogue, NotFoundError, RejectedInputError where the file is damaged or too many rows are bad.
    """
    if not file.exists():
        raise NotFoundError(f"expected a table at {file}, but nothing is there")
    parser = mapped_rows(parse_map(text, name), name).catalogue
    num_items = 0
    with RowFiles(folder) as files, reporter.stage(file.name) as advance:
        for items in read_catalogue(file, rejects, parser=parser):
            files.write_items(CATALOGUE, items)
            num_items += len(items)
            advance(len(items))
        rejects.enforce(max_reject_share)
        files.write_text(MAP, text)
    return num_items
