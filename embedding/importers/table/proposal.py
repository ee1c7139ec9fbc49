"""A map of a table's columns, proposed from its header and its values; what they do not tell is asked for."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from embedding.errors import UsageError
from embedding.importers.table.facts import ORDERS, DateFacts, DurationFacts, Filled, ListFacts, Undecided, WordFacts
from embedding.importers.table.known_columns import (
    CODES,
    DEAL_ROLES,
    extra_name,
    likely_kind,
    may_be_of_a_deal,
    meaning,
)
from embedding.importers.table.map_text import map_text
from embedding.importers.table.table_rows import TableParser, is_workbook, table_rows, told_delimiter
from embedding.progress import Reporter
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.column_map.conversions import check_format, is_blank_cell
from embedding.rows.column_map.declaration import Deal, Source, TableMap, Unit
from embedding.rows.layout import Layout
from embedding.rows.rejects import shown

Kind = Literal["track", "episode"]

# Words for yes and no as labels write them; those of the third line say that it is not known.
_YES = ("yes", "y", "true", "t", "1", "explicit", "e", "x", "parental advisory")
_NO = ("no", "n", "false", "f", "0", "not explicit", "notexplicit", "non-explicit", "clean", "none")
_NOT_KNOWN = ("unknown", "not known", "nouadviceavailable", "noadviceavailable", "n/a", "na", "-", "?")
_DATES = ("published_at", "from", "until")
_LISTS = ("tags", "territories", "except", "creator")
_FACTS: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(_DATES, DateFacts),
    **dict.fromkeys(_LISTS, ListFacts),
    "duration_s": DurationFacts,
    "explicit": WordFacts,
}


class Choices(Struct, frozen=True, kw_only=True):
    """What the command line says of a table, None where its values are to tell.

    `dates`: day-first, month-first, year-first, or a format; `kind`: what all rows are.
    """

    layout: Layout = Layout()
    delimiter: str | None = None
    dates: str | None = None
    duration_unit: Unit | None = None
    kind: Kind | None = None


def propose(file: Path, choices: Choices, reporter: Reporter) -> str:
    """The map, as TOML, that the header and all rows of `file` (CSV or a workbook) speak for.

    UsageError names all that they do not tell, and the options that do; RejectedInputError for a file that cannot be
    read.
    """
    if choices.dates is not None and choices.dates not in ORDERS:
        try:
            check_format(choices.dates)
        except ValueError as error:
            raise UsageError(f"--dates: {error}, or one of {', '.join(filter(None, ORDERS))}") from None
    layout = choices.layout
    if not is_workbook(file):
        layout = Layout(choices.delimiter or told_delimiter(file, layout.encoding), layout.encoding)
    parser = TableParser(layout)
    columns: _Columns | None = None
    with reporter.stage("look at the table") as advance:
        for cells in table_rows(file, parser):
            columns = columns or _Columns(parser.columns)
            columns.add(cells)
            advance(1)
    columns = columns or _Columns(parser.columns)
    return _Proposing(file, layout, choices, columns).text()


class _Columns:
    """The columns of a table: what their names mean, and what their values tell."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.filled = {name: Filled() for name in names}
        self.meanings = {name: found for name in names if (found := meaning(name)) is not None}
        self.facts = {name: _FACTS[found.role]() for name, found in self.meanings.items() if found.role in _FACTS}

    def add(self, cells: dict[str, Any]) -> None:
        """Look at one row."""
        for name, cell in cells.items():
            if not is_blank_cell(cell):
                self.filled[name].add(cell)
                if name in self.facts:
                    self.facts[name].add(cell)

    def of_role(self, role: str, deal: int = 0) -> str | None:
        """The column whose name is the likeliest one for `role`."""
        found = [
            (meant.rank, self.names.index(name), name)
            for name, meant in self.meanings.items()
            if meant.role == role and meant.deal == deal
        ]
        return min(found)[2] if found else None

    @property
    def examples(self) -> dict[str, Any]:
        """The first value of each column that has any."""
        return {name: filled.example for name, filled in self.filled.items() if filled.example is not None}


class _Proposing:
    """One proposal in the making."""

    def __init__(self, file: Path, layout: Layout, choices: Choices, columns: _Columns) -> None:
        self._file, self._layout, self._choices, self._columns = file, layout, choices, columns
        self._fields: dict[str, str | Source] = {}
        self._questions: list[str] = []
        self._used: set[str] = set()

    def text(self) -> str:
        """The map, or UsageError with all questions and what of a map there is."""
        self._add_kind()
        for role in ("id", "title", "creator", "album", "text", "language", "min_age"):
            self._add(role, lambda column: column)
        self._add_creators()
        self._add("tags", self._tags)
        self._add("duration_s", self._duration)
        self._add("published_at", self._published)
        self._add("explicit", self._explicit)
        deals = self._deals()
        extra = self._extra()
        if is_workbook(self._file) and not self._columns.meanings:
            self._questions.append("no column is known: where another row is the header, say --header-row N")
        for name in CATALOGUE_PARSER.required:
            if name not in self._fields:
                self._questions.append(
                    f"{name}: no column is known to be it; give the column a name such as {name},"
                    f' or write a map with {name} = "COLUMN" under [catalogue.fields]'
                )
        rest = [name for name in self._columns.names if name not in self._used]
        unread = [name for name in rest if may_be_of_a_deal(name) and name in self._columns.examples]
        if unread:
            # Left out in silence, what is not licensed everywhere would be shown everywhere.
            self._questions.append(
                f"{', '.join(unread)}: may say where or when rows may be shown, and would not be read: write a map"
                " with [[catalogue.deals]], or with drop where it does not"
            )
        table = TableMap(
            delimiter=self._layout.delimiter,
            encoding=self._layout.encoding,
            sheet=self._layout.sheet,
            header_row=self._layout.header_row,
            drop=rest,
            fields=self._fields,
            extra=extra,
            deals=deals,
        )
        text = map_text(table, self._columns.examples)
        if self._questions:
            raise UsageError(
                f"{self._file} does not tell all that a map needs.\n"
                + "".join(f"- {question}\n" for question in self._questions)
                + f"What is known so far, for a map of your own (--map):\n\n{text}"
            )
        return text

    def _add(self, role: str, source: Callable[[str], str | Source | None]) -> None:
        """Propose the column of `role`, as `source` says; what that cannot tell becomes a question."""
        column = self._columns.of_role(role)
        if column is None:
            return
        self._used.add(column)
        try:
            found = source(column)
        except Undecided as undecided:
            self._questions.append(f"{column}: {undecided}")
            # Asked for already: it is not missing.
            found = column
        self._fields[role] = found or column

    def _add_kind(self) -> None:
        if "kind" in self._columns.names:
            self._used.add("kind")
            self._fields["kind"] = "kind"
            return
        kind = self._choices.kind or likely_kind(self._columns.names)
        if kind is None:
            self._questions.append(
                "kind: the columns may be of tracks or of episodes: say --kind track or --kind episode"
            )
        self._fields["kind"] = Source(constant=kind or "track")

    def _add_creators(self) -> None:
        if "creators" in self._columns.names:
            return
        column = self._columns.of_role("creator")
        if column is not None and self._columns.facts[column].separator == ";":
            self._fields["creators"] = Source(column=column, separator=";")

    def _tags(self, column: str) -> Source | None:
        separator = self._columns.facts[column].separator
        return None if separator is None else Source(column=column, separator=separator)

    def _duration(self, column: str) -> Source | None:
        named = self._columns.meanings[column].unit or ("s" if column == "duration_s" else None)
        unit = self._columns.facts[column].unit(named, self._choices.duration_unit)
        return None if unit is None else Source(column=column, unit=unit)

    def _published(self, column: str) -> Source | None:
        pattern = self._columns.facts[column].pattern(self._choices.dates)
        return None if pattern is None else Source(column=column, date=pattern)

    def _explicit(self, column: str) -> Source:
        words = list(self._columns.facts[column].words)
        odd = [word for word in words if word not in (*_YES, *_NO, *_NOT_KNOWN)]
        if odd:
            raise Undecided(
                f"{', '.join(map(shown, odd[:5]))} may mean yes or no: write a map with"
                f" explicit = {{ column = {shown(column)}, values = {{ {shown(odd[0])} = true }} }}"
            )
        values: dict[str, str | int | float | bool] = {word: word in _YES for word in words if word not in _NOT_KNOWN}
        empty = [word for word in words if word in _NOT_KNOWN]
        return Source(column=column, values=values or None, empty=empty or None)

    def _deals(self) -> list[Deal]:
        by_deal: defaultdict[int, set[str]] = defaultdict(set)
        for meant in self._columns.meanings.values():
            if meant.role in DEAL_ROLES:
                by_deal[meant.deal].add(meant.role)
        return [deal for number in sorted(by_deal) if (deal := self._deal(number)) is not None]

    def _deal(self, number: int) -> Deal | None:
        columns = {role: self._columns.of_role(role, number) for role in DEAL_ROLES}
        territories = columns["territories"]
        self._used.update(column for column in columns.values() if column is not None)
        if territories is None:
            told = ", ".join(column for column in columns.values() if column is not None)
            self._questions.append(f"{told}: no column of territories goes with it; rename it, or write a map")
            return None
        patterns = set()
        for role, other in (("from", "until"), ("until", "from")):
            column, beside = columns[role], columns[other]
            if column is not None:
                facts = self._columns.facts[column]
                # One format is told for both: where one column leaves the order open, the other may not.
                facts = facts if beside is None else facts.beside(self._columns.facts[beside])
                try:
                    patterns.add(facts.pattern(self._choices.dates))
                except Undecided as undecided:
                    self._questions.append(f"{column}: {undecided}")
        patterns.discard(None)
        if len(patterns) > 1:
            told = " and ".join(sorted(patterns))
            self._questions.append(
                f"{columns['from']}, {columns['until']}: two formats, {told}: write a map, two deals"
            )
        separators = [self._columns.facts[c].separator for c in (territories, columns["except"]) if c is not None]
        return Deal(
            territories,
            columns["except"],
            columns["from"],
            columns["until"],
            next((separator for separator in separators if separator is not None), ";"),
            next(iter(patterns), None),
        )

    def _extra(self) -> dict[str, str | Source]:
        extra: dict[str, str | Source] = {}
        for column in self._columns.names:
            name = extra_name(column)
            # An ISRC that is the id is kept under its name, too: listens from elsewhere are matched by it.
            if name is None or name in extra or (column in self._used and name != "isrc"):
                continue
            if self._columns.filled[column].example is None:
                continue
            extra[name] = Source(column=column, type="text") if name in CODES else column
            self._used.add(column)
        return extra
