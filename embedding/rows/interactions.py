"""Interaction rows from files: every field validated, the item known."""

from collections.abc import Callable, Iterator
from pathlib import Path

from embedding.rows.interaction_parser import INTERACTION_PARSER, RawInteraction
from embedding.rows.readers import read_batches
from embedding.rows.rejects import Fault, Rejects, shown
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Interaction


def read_interactions(
    path: Path,
    rejects: Rejects,
    is_item: Callable[[str], bool] | None = None,
    parser: RowParser[RawInteraction, Interaction] = INTERACTION_PARSER,
) -> Iterator[list[Interaction]]:
    """Interactions of a file or folder in batches of at most 4,096; bad rows go to `rejects`.

    A row whose item `is_item` does not know is a reject; without `is_item` every item is taken.
    `parser`: how a row is read; see RowParsers. Raises as `read_catalogue`.
    """

    def check(interaction: Interaction, _file_number: int, _line: int, _is_good: bool) -> Fault | None:
        if is_item is None or is_item(interaction.item_id):
            return None
        return Fault("item_id", "the id of an item in the catalogue", shown(interaction.item_id))

    yield from read_batches(path, parser, rejects, check)
