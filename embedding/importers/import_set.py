"""How a public data set is imported: all of it into a folder, or nothing."""

from pathlib import Path

from msgspec import Struct

from embedding.errors import NotFoundError
from embedding.importers.import_job import INTERACTIONS, ImportJob
from embedding.importers.importer import Importer
from embedding.importers.registry import IMPORTERS
from embedding.progress import Reporter
from embedding.registry import Registry
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles


class Imported(Struct, frozen=True):
    """What an import wrote; None interactions for a set without any, `notes` say what was left out or made up."""

    items: int
    interactions: int | None
    notes: tuple[str, ...] = ()


def import_set(
    name: str,
    source: Path,
    folder: Path,
    rejects: Rejects,
    max_reject_share: float,
    reporter: Reporter,
    importers: Registry[Importer] = IMPORTERS,
) -> Imported:
    """Write catalogue.jsonl (and interactions.jsonl, where the set has any) into `folder`, by the importer `name`.

    Nothing is written unless all of it can be. Raises UsageError where no importer has that name, NotFoundError where
    a file of the set is missing, RejectedInputError where one is damaged or more than `max_reject_share` of the rows
    are bad.
    """
    importer = importers[name]
    if not source.is_dir():
        raise NotFoundError(f"expected the folder of {name} at {source}, but there is none")
    with RowFiles(folder) as files:
        job = ImportJob(source, files, rejects, reporter)
        notes = list(importer.run(job))
        rejects.enforce(max_reject_share)
    if importer.has_interactions:
        return Imported(job.num_items, job.num_interactions, tuple(notes))
    old = folder / INTERACTIONS
    if old.exists():
        notes.append(f"{old} was there before and is not of this set, which has no interactions")
    return Imported(job.num_items, None, tuple(notes))
