"""What `nearfield check` finds in a catalogue and its interactions, without building anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from embedding.errors import RejectedInputError
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.compact_id_map import CompactIdMap
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counts(Struct, frozen=True):
    """Rows of one input; read = accepted + rejected."""

    accepted: int
    rejected: int


class Checked(Struct, frozen=True):
    """Counts of `catalogue` and, where given, `interactions`; and what could not be taken as a whole."""

    counts: dict[str, Counts]
    failures: tuple[str, ...]

    def summary(self, rejects: Rejects) -> dict[str, Any]:
        """The answer of `check --json`: the catalogue's counts at the top, the interactions' beside them."""
        catalogue = self.counts["catalogue"]
        return {
            "accepted": catalogue.accepted,
            "rejected": catalogue.rejected,
            **{name: counts for name, counts in self.counts.items() if name != "catalogue"},
            "rejects_file": str(rejects.path) if rejects.rejected else None,
            "failures": self.failures,
        }


def check_rows(catalogue: Path, interactions: Path | None, rejects: Rejects, reporter: Reporter) -> Checked:
    """Read all rows of both; bad ones go to `rejects`, files that cannot be taken to `failures`.

    Raises NotFoundError where a file is not there.
    """
    ids = CompactIdMap()
    counts: dict[str, Counts] = {}
    failures: list[str] = []
    inputs: dict[str, Iterator[list[Any]]] = {"catalogue": read_catalogue(catalogue, rejects, ids)}
    if interactions is not None:
        inputs["interactions"] = read_interactions(interactions, rejects, ids.__contains__)
    for name, batches in inputs.items():
        accepted, rejected, num_failures = rejects.accepted, rejects.rejected, len(failures)
        try:
            with reporter.stage(f"check {name}") as advance:
                for batch in batches:
                    advance(len(batch))
        except RejectedInputError as error:
            failures.append(str(error))
        counts[name] = Counts(rejects.accepted - accepted, rejects.rejected - rejected)
        if counts[name].accepted == 0 and len(failures) == num_failures:
            failures.append(f"{name}: not one good row in {counts[name].rejected:,}")
    return Checked(counts, tuple(failures))
