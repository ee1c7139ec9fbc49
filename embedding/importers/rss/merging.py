"""The catalogue of before, copied behind the rows that are new: what has left a feed stays, unless it was removed."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.errors import RejectedInputError
from embedding.importers.import_job import CATALOGUE
from embedding.rows.compact_id_map import CompactIdMap


class _Extra(Struct):
    show_id: str = ""


class _Row(Struct):
    id: str
    extra: _Extra = msgspec.field(default_factory=_Extra)


_decode = msgspec.json.Decoder(_Row).decode


class Merge(Struct):
    """What an import found: ids of the rows that were written anew, and what is to leave the catalogue.

    `deleted`: ids that a host says are deleted; `gone`: shows of which nothing is left; `listed`: by show, the ids in
    its feed, where what is not among them is to be removed.
    """

    fresh: CompactIdMap
    deleted: set[str] = msgspec.field(default_factory=set)
    gone: set[str] = msgspec.field(default_factory=set)
    listed: dict[str, set[str]] = msgspec.field(default_factory=dict)
    num_kept: int = 0
    num_replaced: int = 0
    num_removed: int = 0

    @property
    def changes_catalogue(self) -> bool:
        """Whether the catalogue can become another one."""
        return bool(len(self.fresh) or self.deleted or self.gone or self.listed)

    def kept_lines(self, folder: Path) -> Iterator[bytes]:
        """The lines of the catalogue in `folder` that stay as they are, each with its line end; counts all.

        Raises RejectedInputError for a line that is no row.
        """
        path = folder / CATALOGUE
        if not path.exists():
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = _decode(line)
                except msgspec.DecodeError as error:
                    raise RejectedInputError(
                        f"{path}:{number}: expected a row as this command writes it, came another line ({error});"
                        " mend or remove the line"
                    ) from None
                if row.id in self.fresh:
                    self.num_replaced += 1
                elif self._is_removed(row):
                    self.num_removed += 1
                else:
                    self.num_kept += 1
                    yield line if line.endswith(b"\n") else line + b"\n"

    def _is_removed(self, row: _Row) -> bool:
        show = row.extra.show_id
        return row.id in self.deleted or show in self.gone or (show in self.listed and row.id not in self.listed[show])
