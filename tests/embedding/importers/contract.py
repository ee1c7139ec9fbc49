"""What every importer does: a suite to subclass with a small data set in the publisher's layout and its rows."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec import Struct

from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.import_set import Imported, import_set
from embedding.importers.importer import Importer
from embedding.importers.registry import IMPORTERS
from embedding.progress import Reporter
from embedding.registry import Registry
from embedding.rows.catalogue import read_catalogue
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Interaction, Item

Files = Mapping[str, str | bytes]


class Rows(Struct, frozen=True):
    """What an import left: rows read back by the readers that train and build use, and its rejects."""

    done: Imported
    items: list[Item]
    interactions: list[Interaction]
    rejects: Rejects

    @property
    def places(self) -> list[tuple[str, int | None, str]]:
        """File, line and field of each reject."""
        return [(Path(reject.file).name, reject.line, reject.field) for reject in self.rejects.first]


def as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def write_set(folder: Path, files: Files, packed: bool = False) -> Path:
    """Write the files of a data set, with gzip and `.gz` where `packed`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(as_bytes(content)))
        else:
            (folder / name).write_bytes(as_bytes(content))
    return folder


def run_import(
    name: str, source: Path, max_reject_share: float = 0.0, importers: Registry[Importer] = IMPORTERS
) -> Rows:
    """Import `source` into a folder beside it and read back what lies there: not one bad row among it."""
    folder = source.with_name(f"{source.name}-rows")
    with Rejects(source.with_name("rejects.out")) as rejects:
        done = import_set(name, source, folder, rejects, max_reject_share, Reporter("none"), importers)
    strict = Rejects(source.with_name("none.out"))
    items = [item for batch in read_catalogue(folder / "catalogue.jsonl", strict) for item in batch]
    interactions: list[Interaction] = []
    if (folder / "interactions.jsonl").exists():
        known = {item.id for item in items}
        for batch in read_interactions(folder / "interactions.jsonl", strict, known.__contains__):
            interactions.extend(batch)
    assert strict.rejected == 0, strict.first
    return Rows(done, items, interactions, rejects)


class ImporterContract:
    """Subclass it in the tests of an importer, as `Test…`, and give all that is declared here."""

    registry: ClassVar[Registry[Importer]] = IMPORTERS
    name: ClassVar[str]
    # All files that the importer reads, none of their rows bad, and what becomes of them.
    files: ClassVar[Files]
    items: ClassVar[Sequence[Item]]
    interactions: ClassVar[Sequence[Interaction]]
    notes: ClassVar[tuple[str, ...]] = ()
    # The file with a row for each item; its last row is one.
    item_file: ClassVar[str]
    # By file, lines to append that are all bad, and (line, field) of each.
    bad_lines: ClassVar[Mapping[str, tuple[str | bytes, Sequence[tuple[int, str]]]]]

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return write_set(tmp_path / "set", self.files)

    def run(self, source: Path, max_reject_share: float = 0.0) -> Rows:
        return run_import(self.name, source, max_reject_share, self.registry)

    @pytest.mark.parametrize("packed", [False, True])
    def test_all_rows_come_packed_or_not(self, tmp_path: Path, packed: bool) -> None:
        rows = self.run(write_set(tmp_path / "set", self.files, packed))
        assert rows.items == list(self.items)
        assert rows.interactions == list(self.interactions)
        has_interactions = self.registry[self.name].has_interactions
        counts = len(self.items), len(self.interactions) if has_interactions else None
        assert rows.done == Imported(*counts, self.notes)
        assert rows.rejects.rejected == 0

    def test_the_same_files_give_the_same_bytes(self, source: Path) -> None:
        self.run(source)
        folder = source.with_name("set-rows")
        first = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.run(source)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == first

    def test_the_first_row_of_an_id_counts(self, source: Path) -> None:
        content = as_bytes(self.files[self.item_file])
        last = content.splitlines(keepends=True)[-1]
        (source / self.item_file).write_bytes(content + last)
        rows = self.run(source, 0.9)
        assert rows.items == list(self.items)
        assert [file for file, _, _ in rows.places] == [self.item_file]

    def test_bad_rows_are_rejected_by_file_line_and_field(self, source: Path) -> None:
        for file, (lines, _) in self.bad_lines.items():
            (source / file).write_bytes(as_bytes(self.files[file]) + as_bytes(lines))
        rows = self.run(source, 0.9)
        expected = [(file, line, field) for file, (_, places) in self.bad_lines.items() for line, field in places]
        assert sorted(rows.places, key=str) == sorted(expected, key=str)
        assert rows.rejects.rejected == len({(file, line) for file, line, _ in expected}) > 0
        assert rows.items == list(self.items)
        assert rows.interactions == list(self.interactions)

    def test_too_many_bad_rows_change_nothing(self, source: Path, tmp_path: Path) -> None:
        for file, (lines, _) in self.bad_lines.items():
            (source / file).write_bytes(as_bytes(self.files[file]) + as_bytes(lines))
        self.refused(source, tmp_path, RejectedInputError, "rows are bad", 0.01)

    def test_a_damaged_file_is_named_and_changes_nothing(self, tmp_path: Path) -> None:
        for number, file in enumerate(self.files):
            source = write_set(tmp_path / f"set-{number}", self.files, packed=True)
            content = (source / f"{file}.gz").read_bytes()
            (source / f"{file}.gz").write_bytes(content[:-9])
            self.refused(source, tmp_path, RejectedInputError, f"{file}.gz.*ends early")

    def test_a_missing_file_is_named_and_changes_nothing(self, tmp_path: Path) -> None:
        for number, file in enumerate(self.files):
            source = write_set(tmp_path / f"set-{number}", self.files)
            (source / file).unlink()
            self.refused(source, tmp_path, NotFoundError, f"{file} or {file}.gz")
        self.refused(tmp_path / "nowhere", tmp_path, NotFoundError, "nowhere")

    def refused(
        self, source: Path, tmp_path: Path, error: type[Exception], words: str, max_reject_share: float = 1.0
    ) -> None:
        """The import of `source` ends with `error`, and what stood in the folder stands."""
        folder = tmp_path / "rows"
        folder.mkdir(exist_ok=True)
        (folder / "catalogue.jsonl").write_text("before")
        with Rejects(tmp_path / "rejects.out") as rejects, pytest.raises(error, match=words):
            import_set(self.name, source, folder, rejects, max_reject_share, Reporter("none"), self.registry)
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"catalogue.jsonl": "before"}
