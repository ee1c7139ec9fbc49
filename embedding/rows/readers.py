"""Which files are read, in which order, by which reader: good rows in batches, bad ones to the rejects."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embedding.errors import NotFoundError, RejectedInputError
from embedding.rows.column_map.mapped_parser import MappedParser
from embedding.rows.readers_csv import read_csv
from embedding.rows.readers_jsonl import read_jsonl
from embedding.rows.readers_parquet import read_parquet
from embedding.rows.readers_xlsx import read_xlsx
from embedding.rows.rejects import Fault, Rejects
from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage
from embedding.rows.table_folders import refuse_tables
from embedding.rows.unchanged_lines import UnchangedLines

BATCH_ROWS = 4096
# Rows with long transcripts make smaller batches.
BATCH_BYTES = 16 * 2**20

_READERS = {
    ".parquet": read_parquet,
    ".jsonl": read_jsonl,
    ".jsonl.gz": read_jsonl,
    ".jsonl.zst": read_jsonl,
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".csv.zst": read_csv,
    ".xlsx": read_xlsx,
}
_KNOWN = ".parquet, .jsonl, .csv, .jsonl.gz, .csv.gz, .jsonl.zst, .csv.zst or .xlsx"
# As Hadoop and Arrow have it: `_SUCCESS` and the like are no data.
_HIDDEN = (".", "_")


def source_files(path: Path) -> list[Path]:
    """`path`, or the files of the folder `path` in the order of their names, without hidden ones.

    Raises NotFoundError where there is none, RejectedInputError for a name that no reader takes and for the files of
    a table.
    """
    if not path.exists():
        raise NotFoundError(f"expected a file or folder of rows at {path}, but nothing is there")
    refuse_tables(path)
    if not path.is_dir():
        files = [path]
    else:
        files = sorted(file for file in path.iterdir() if not file.name.startswith(_HIDDEN))
        if not files:
            raise RejectedInputError(f"expected files {_KNOWN} in the folder {path}, but it holds none")
    for file in files:
        if file.is_dir():
            raise RejectedInputError(f"expected files in the folder {path}, but {file.name} is a folder itself")
        if _ending(file) is None:
            raise RejectedInputError(f"expected a name that ends in {_KNOWN}, but {file} does not")
    return files


def read_batches(
    path: Path,
    parser: RowParser[Any, Row],
    rejects: Rejects,
    check: Callable[[Row, int, int, bool], Fault | None],
    unchanged: UnchangedLines | None = None,
) -> Iterator[list[Row]]:
    """Good rows of `path` in batches of at most 4,096; bad ones go to `rejects` with all of their faults.

    `check(row, file number, line, whether it is good so far)` may find one more.

    Lines of JSON that `unchanged` knows are skipped and not counted; of other formats every row is parsed.

    A damaged file gives the rows before the damage and one reject; the other files of a folder are still read.
    Then, at the end, RejectedInputError is raised, so that rows which were never seen cannot go unnoticed.
    """
    damaged: list[str] = []
    for file_number, file in enumerate(source_files(path)):
        name = str(file)
        batch: list[Row] = []
        batch_bytes = 0
        try:
            for line, size, outcome in _rows_of(file, parser, unchanged):
                if isinstance(outcome, RowProblem):
                    fault = None if outcome.row is None else check(outcome.row, file_number, line, False)
                    rejects.add(name, line, *(outcome if fault is None else outcome.with_more(fault)).faults)
                    continue
                fault = check(outcome, file_number, line, True)
                if fault is not None:
                    rejects.add(name, line, fault)
                    continue
                if unchanged is not None:
                    unchanged.took()
                batch.append(outcome)
                batch_bytes += size
                if len(batch) == BATCH_ROWS or batch_bytes >= BATCH_BYTES:
                    rejects.accept(len(batch))
                    yield batch
                    batch, batch_bytes = [], 0
        except FileDamage as damage:
            rejects.add(name, damage.line, Fault("", damage.expected, damage.came))
            place = "" if damage.line is None else f" at line {damage.line:,}"
            damaged.append(f"{name}{place}: expected {damage.expected}, came {damage.came}")
        if batch:
            rejects.accept(len(batch))
            yield batch
    if damaged:
        more = f" (and {len(damaged) - 3} more files)" if len(damaged) > 3 else ""
        raise RejectedInputError(f"cannot be read to the end: {'; '.join(damaged[:3])}{more}")


def _rows_of(
    file: Path, parser: RowParser[Any, Row], unchanged: UnchangedLines | None
) -> Iterator[tuple[int, int, Row | RowProblem]]:
    reader = _READERS[_ending(file) or ""]
    if isinstance(parser, MappedParser):
        # What a line becomes is for the map to say: none is known from before.
        return parser.rows_of(reader(file, parser))
    if reader is read_xlsx:
        raise FileDamage(
            None, "a map that says which column is which field (nearfield import table)", "a workbook alone"
        )
    return read_jsonl(file, parser, unchanged) if reader is read_jsonl else reader(file, parser)


def _ending(file: Path) -> str | None:
    name = file.name.lower()
    # The longest first: `.jsonl.gz` also ends in what might become an ending of its own.
    return next((ending for ending in sorted(_READERS, key=len, reverse=True) if name.endswith(ending)), None)
