"""How files of a public data set are found and read: every row through a form, damage an error at once."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from embedding.errors import NotFoundError, RejectedInputError
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles
from embedding.rows.row_form import Row, RowForm, RowProblem
from embedding.rows.streams import FileDamage, read_lines

CATALOGUE = "catalogue.jsonl"
INTERACTIONS = "interactions.jsonl"
# Rows between two reports of progress.
_PART_ROWS = 1000
Records = Iterator[tuple[int, int, Row | RowProblem]]


class Imported(Struct, frozen=True):
    """What an importer wrote; None interactions for a set without any, `notes` say what it left out or made up."""

    items: int
    interactions: int | None
    notes: tuple[str, ...] = ()


class Job(Struct, frozen=True):
    """One import: the folder of the set, where rows go, where bad ones go, and who is told."""

    source: Path
    files: RowFiles
    rejects: Rejects
    reporter: Reporter

    def find(self, name: str) -> Path:
        """The file `name` of the set, or the same with .gz; NotFoundError names both."""
        for path in (self.source / name, self.source / f"{name}.gz"):
            if path.is_file():
                return path
        raise NotFoundError(f"expected {name} or {name}.gz in {self.source}, but neither is there")

    def rows(
        self,
        name: str,
        form: RowForm[Any, Row],
        read: Callable[[Path, RowForm[Any, Row]], Records[Row]],
        check: Callable[[Row], RowProblem | None] = lambda _: None,
    ) -> Iterator[Row]:
        """Good rows of the file `name`; those that are not, or fail `check`, go to the rejects.

        RejectedInputError where the file is damaged: half a data set is not written.
        """
        path = self.find(name)
        with self.reporter.stage(path.name) as advance:
            records = read(path, form)
            try:
                while part := list(islice(records, _PART_ROWS)):
                    for line, _, outcome in part:
                        problem = outcome if isinstance(outcome, RowProblem) else check(outcome)
                        if problem is not None:
                            self.rejects.add(str(path), line, problem.field, problem.expected, problem.came)
                        elif not isinstance(outcome, RowProblem):
                            self.rejects.accept(1)
                            yield outcome
                    advance(len(part))
            except FileDamage as damage:
                place = "" if damage.line is None else f" at line {damage.line:,}"
                raise RejectedInputError(f"{path}{place}: expected {damage.expected}, came {damage.came}") from None


Importer = Callable[[Job], Imported]


def read_tabbed(encoding: str) -> Callable[[Path, RowForm[Any, Row]], Records[Row]]:
    """A reader of tab-separated values under a header row, without quotes, in `encoding`."""

    def read(path: Path, form: RowForm[Any, Row]) -> Records[Row]:
        header: list[str] = []
        for number, line, _ in read_lines(path):
            try:
                cells = line.decode(encoding).rstrip("\r\n").split("\t")
            except UnicodeDecodeError as error:
                yield number, len(line), RowProblem("", f"{encoding} text", f"byte 0x{line[error.start]:02x}")
                continue
            if not header:
                header = cells
                missing = [name for name in form.required if name not in header]
                if missing:
                    raise FileDamage(1, f"columns {', '.join(form.required)}", f"columns {', '.join(header)}")
            elif len(cells) != len(header):
                if cells != [""]:
                    expected = f"{len(header)} values with tabs between"
                    yield number, len(line), RowProblem("", expected, f"{len(cells)}")
            else:
                try:
                    yield number, len(line), form.from_fields(dict(zip(header, cells, strict=True)))
                except RowProblem as problem:
                    yield number, len(line), problem

    return read
