"""What of a release the doctor examines: the collection of its rows, and that of its passages where it has any."""

from pathlib import Path

from msgspec import Struct

from indexing.columns.columns import Columns, PointRows
from indexing.columns.field_columns import FieldColumns, PointFields
from indexing.payload.availability import AvailabilityClasses
from indexing.release.passages import PASSAGES, Passages, passages_collection


class ExaminedCollection(Struct, frozen=True, kw_only=True):
    """A collection of a release, finished or not, open and idle in the store; `dims` are those of its named vectors."""

    id: str
    columns: PointRows
    fields: PointFields
    classes: AvailabilityClasses
    dims: dict[str, int]


def examined_in(folder: Path, dims: dict[str, int]) -> list[ExaminedCollection]:
    """The collections of the release in `folder`, finished or not; `dims` are those of its rows' named vectors."""
    columns, fields = Columns(folder / "columns"), FieldColumns(folder / "columns")
    classes = AvailabilityClasses.load((folder / "columns" / "classes.msgpack").read_bytes())
    found = [ExaminedCollection(id=folder.name, columns=columns, fields=fields, classes=classes, dims=dims)]
    passages = Passages.of(folder, columns)
    if passages is not None:
        found.append(
            ExaminedCollection(
                id=passages_collection(folder.name),
                columns=passages,
                fields=passages.fields(fields),
                classes=classes,
                dims={PASSAGES: passages.dims},
            )
        )
    return found
