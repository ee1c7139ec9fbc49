"""What of a release is examined: the collection of its rows, and that of its passages where it has any."""

from pathlib import Path

from indexing.columns.columns import Columns
from indexing.columns.field_columns import FieldColumns
from indexing.doctor.examine import Patient
from indexing.payload.availability import AvailabilityClasses
from indexing.release.passages import PASSAGES, Passages, passages_collection


def patients_in(folder: Path, dims: dict[str, int]) -> list[Patient]:
    """Those of the release in `folder`, finished or not; `dims` are those of its rows' named vectors."""
    columns, fields = Columns(folder / "columns"), FieldColumns(folder / "columns")
    classes = AvailabilityClasses.load((folder / "columns" / "classes.msgpack").read_bytes())
    found = [Patient(id=folder.name, columns=columns, fields=fields, classes=classes, dims=dims)]
    passages = Passages.of(folder, columns)
    if passages is not None:
        found.append(
            Patient(
                id=passages_collection(folder.name),
                columns=passages,
                fields=passages.fields(fields),
                classes=classes,
                dims={PASSAGES: passages.dims},
            )
        )
    return found
