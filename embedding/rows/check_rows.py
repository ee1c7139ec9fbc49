"""What `nearfield check` finds in a catalogue and its interactions, without building anything."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from embedding.errors import RejectedInputError
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.rows.compact_id_map import CompactIdMap
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counts(Struct, frozen=True):
    """Rows of one input; read = accepted + rejected. How many were read a second."""

    accepted: int
    rejected: int
    rows_per_s: float


class Checked(Struct, frozen=True):
    """Counts of `catalogue` and, where given, `interactions`; and what could not be taken as a whole."""

    counts: dict[str, Counts]
    failures: tuple[str, ...]

    def summary(self, rejects: Rejects) -> dict[str, Any]:
        """The answer of `check --json`: the catalogue's counts at the top, the interactions' beside them.

        `faults` are those of the first bad rows, as in the rejects file, which has all `num_faults` of them.
        """
        return {
            **msgspec.structs.asdict(self.counts["catalogue"]),
            **{name: counts for name, counts in self.counts.items() if name != "catalogue"},
            "num_faults": rejects.num_faults,
            "faults": rejects.first,
            "rejects_file": str(rejects.path) if rejects.rejected else None,
            "failures": self.failures,
        }


def check_rows(
    catalogue: Path, interactions: Path | None, rejects: Rejects, reporter: Reporter, rows: RowParsers = PLAIN_ROWS
) -> Checked:
    """Read all rows of both as `rows` say; bad ones go to `rejects`, files that cannot be taken to `failures`.

    Raises NotFoundError where a file is not there.
    """
    ids = CompactIdMap()
    counts: dict[str, Counts] = {}
    failures: list[str] = []
    inputs: dict[str, Iterator[list[Any]]] = {
        "catalogue": read_catalogue(catalogue, rejects, ids, parser=rows.catalogue)
    }
    if interactions is not None:
        inputs["interactions"] = read_interactions(interactions, rejects, ids.__contains__, rows.interactions)
    for name, batches in inputs.items():
        accepted, rejected, num_failures = rejects.accepted, rejects.rejected, len(failures)
        started = time.monotonic()
        try:
            with reporter.stage(f"check {name}") as advance:
                for batch in batches:
                    advance(len(batch))
        except RejectedInputError as error:
            failures.append(str(error))
        accepted, rejected = rejects.accepted - accepted, rejects.rejected - rejected
        rows_per_s = (accepted + rejected) / max(time.monotonic() - started, 1e-9)
        counts[name] = Counts(accepted, rejected, round(rows_per_s, 1))
        if counts[name].accepted == 0 and len(failures) == num_failures:
            what = f"not one good row in {counts[name].rejected:,}" if counts[name].rejected else "no row at all came"
            failures.append(f"{name}: {what}")
    return Checked(counts, tuple(failures))
