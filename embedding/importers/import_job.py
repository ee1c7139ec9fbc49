"""One import at work: the data set's files found and read row by row, bad rows rejected, good ones written."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from embedding.errors import NotFoundError, RejectedInputError
from embedding.progress import Reporter
from embedding.rows.compact_id_map import CompactIdMap
from embedding.rows.rejects import Fault, Rejects, shown
from embedding.rows.row_files import RowFiles
from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.schema import Interaction, Item
from embedding.rows.streams import FileDamage

CATALOGUE = "catalogue.jsonl"
INTERACTIONS = "interactions.jsonl"
# Rows between two reports of progress.
_PART_ROWS = 1000
# (number of the first line, bytes, the row or what is wrong with it) of each row of a file.
Records = Iterator[tuple[int, int, Row | RowProblem]]
Reader = Callable[[Path, RowParser[Any, Row]], Records[Row]]


class ImportJob:
    """What an importer works with: rows come from the folder `source`, and go to catalogue and interactions."""

    def __init__(self, source: Path, files: RowFiles, rejects: Rejects, reporter: Reporter) -> None:
        self.source = source
        self.num_items = self.num_interactions = 0
        self._files, self._rejects, self._reporter = files, rejects, reporter

    def rows(
        self,
        name: str,
        parser: RowParser[Any, Row],
        read: Reader[Row],
        check: Callable[[Row], Fault | None] = lambda _: None,
    ) -> Iterator[Row]:
        """The good rows of the file `name`, packed or not; those that are bad, or fail `check`, are rejected.

        Raises NotFoundError where there is no such file, RejectedInputError where it is damaged: half a data set is
        not written.
        """
        path = self._find(name)
        with self._reporter.stage(path.name) as advance:
            records = read(path, parser)
            try:
                while part := list(islice(records, _PART_ROWS)):
                    for line, _, outcome in part:
                        if isinstance(outcome, RowProblem):
                            self._rejects.add(str(path), line, *outcome.faults)
                        elif (fault := check(outcome)) is not None:
                            self._rejects.add(str(path), line, fault)
                        else:
                            self._rejects.accept(1)
                            yield outcome
                    advance(len(part))
            except FileDamage as damage:
                place = "" if damage.line is None else f" at line {damage.line:,}"
                raise RejectedInputError(f"{path}{place}: expected {damage.expected}, came {damage.came}") from None

    def write_item(self, item: Item) -> None:
        """Append one row to the catalogue."""
        self._files.write_items(CATALOGUE, [item])
        self.num_items += 1

    def write_interaction(self, interaction: Interaction) -> None:
        """Append one row to the interactions."""
        self._files.write_interactions(INTERACTIONS, [interaction])
        self.num_interactions += 1

    def _find(self, name: str) -> Path:
        for path in (self.source / name, self.source / f"{name}.gz"):
            if path.is_file():
                return path
        raise NotFoundError(f"expected {name} or {name}.gz in {self.source}, but neither is there")


class HasId(Protocol):
    """A row about one item."""

    @property
    def id(self) -> str:
        """The item's id."""


class ItemIds:
    """The ids of a data set's items; the first row of an id is the item, later ones are rejected."""

    def __init__(self, field: str) -> None:
        """`field`: what the data set calls the id."""
        self._field = field
        self._ids = CompactIdMap()

    def check(self, row: HasId) -> Fault | None:
        """Note the id of `row`; what is wrong with it where it came before."""
        if self._ids.add(row.id, 0) is None:
            return None
        return Fault(self._field, "an id that did not come before", shown(row.id))

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._ids
