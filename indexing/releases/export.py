"""A release's vectors as files, each with its id."""

from pathlib import Path

from msgspec import Struct

from embedding.rows.vector_files import VectorFormat, VectorTable, write_vectors
from indexing.releases.shown_vectors import open_shown, shown_rows, shown_vectors, space_of
from indexing.releases.workspace import Workspace


class Exported(Struct, frozen=True):
    """What was written: so many `rows`, from this release at this revision, in these files."""

    release: str
    revision: int
    space: str
    rows: int
    dims: int
    files: list[str]


async def export_vectors(
    workspace: Workspace, release_id: str, space: str | None, out: Path, to: VectorFormat
) -> Exported:
    """Write the vectors of what a release shows into the folder `out`; the release's own space where that is None.

    Raises what `open_shown` raises, and UsageError for a space that it has not.
    """
    rows = await open_shown(workspace, release_id)
    release = rows.release
    named = space_of(release, space)
    manifest = release.manifest
    made_by = manifest.model_hash if named == "tower" else manifest.encoder_hash
    about = {"release": release.id, "revision": str(rows.revision), "space": named, "made_by": made_by or ""}
    table = VectorTable(len(shown_rows(rows)), manifest.dims[named], shown_vectors(rows, named), about)
    files = write_vectors(out, f"{release.id}.{named}", table, to)
    return Exported(release.id, rows.revision, named, table.num_rows, table.dims, [str(file) for file in files])
