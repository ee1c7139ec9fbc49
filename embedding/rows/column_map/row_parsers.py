"""Which parsers read a catalogue and its interactions: the plain ones, or by the columns that a map names."""

from pathlib import Path

from msgspec import Struct

from embedding.rows.catalogue_fields import RawItem
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.column_map.declaration import ColumnMap, load_map
from embedding.rows.column_map.mapped_parser import MappedParser
from embedding.rows.interaction_parser import INTERACTION_PARSER, RawInteraction
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Interaction, Item


class RowParsers(Struct, frozen=True):
    """The parser of catalogue rows, and that of interactions; `column_map`: by which they read, None for none."""

    catalogue: RowParser[RawItem, Item] = CATALOGUE_PARSER
    interactions: RowParser[RawInteraction, Interaction] = INTERACTION_PARSER
    column_map: ColumnMap | None = None


PLAIN_ROWS = RowParsers()


def mapped_rows(column_map: ColumnMap, name: str) -> RowParsers:
    """Parsers that read by `column_map`, which messages call `name`. UsageError as MappedParser."""
    catalogue, interactions = column_map.catalogue, column_map.interactions
    return RowParsers(
        CATALOGUE_PARSER if catalogue is None else MappedParser(CATALOGUE_PARSER, catalogue, f"{name} [catalogue]"),
        INTERACTION_PARSER
        if interactions is None
        else MappedParser(INTERACTION_PARSER, interactions, f"{name} [interactions]"),
        column_map,
    )


def rows_by(map_path: Path | None) -> RowParsers:
    """Parsers that read by the map at `map_path`, or plain ones. NotFoundError, UsageError as `load_map`."""
    return PLAIN_ROWS if map_path is None else mapped_rows(load_map(map_path), str(map_path))
