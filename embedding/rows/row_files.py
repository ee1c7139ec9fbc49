"""Rows written as JSON lines that the readers take; the files of a folder appear all at once, or none does."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from embedding.errors import UsageError
from embedding.rows.schema import EVERYWHERE, Interaction, Item, Window
from embedding.rows.times import rfc3339, rfc3339_us

# Fields of an Item that are written as they are.
_PLAIN = ("text", "album", "language", "duration_s", "explicit", "popularity")


def item_fields(item: Item) -> dict[str, Any]:
    """The catalogue row that reads back as `item`, without fields that have their default."""
    fields: dict[str, Any] = {"id": item.id, "kind": item.kind, "title": item.title, "creator": item.creator}
    if item.creators:
        fields["creators"] = item.creators
    fields |= {name: value for name in _PLAIN if (value := getattr(item, name)) is not None}
    if item.chapters:
        fields["chapters"] = item.chapters
    if item.tags:
        fields["tags"] = item.tags
    if (published_us := item.published_us) is not None:
        fields["published_at"] = rfc3339_us(published_us)
    if item.min_age:
        fields["min_age"] = item.min_age
    if item.availability != EVERYWHERE:
        fields["availability"] = [_window_fields(window) for window in item.availability]
    if item.extra:
        fields["extra"] = item.extra
    return fields


def interaction_fields(interaction: Interaction) -> dict[str, Any]:
    """The interaction row that reads back as `interaction`, without a weight of 1 and a time that is not known."""
    fields: dict[str, Any] = {"user_id": interaction.user_id, "item_id": interaction.item_id}
    if interaction.at is not None:
        # Whole seconds read better as a time; a fraction is exact as a number only.
        fields["at"] = rfc3339(interaction.at) if interaction.at.is_integer() else interaction.at
    if interaction.weight != 1.0:
        fields["weight"] = interaction.weight
    return fields


def _window_fields(window: Window) -> dict[str, str]:
    fields = {"market": window.market}
    if window.from_s is not None:
        fields["from"] = rfc3339(window.from_s)
    if window.until_s is not None:
        fields["until"] = rfc3339(window.until_s)
    return fields


class RowFiles:
    """Files of one folder that appear together: written under other names, renamed when the context ends without error.

    After an error they are removed, and so is a folder that was not there before; the old files stay.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._new_folders = [one for one in (folder, *folder.parents) if not one.exists()]
        self._encoder = msgspec.json.Encoder()
        self._open: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        """UsageError where the folder, or one that it lies in, is a file."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UsageError(
                f"expected a folder to write into, but {self.folder}, or what it lies in, is a file: name another"
            ) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            for file in self._open.values():
                with file:
                    if kind is None:
                        file.flush()
                        os.fsync(file.fileno())
            if kind is None:
                for name in self._open:
                    self._partial(name).replace(self.folder / name)
        finally:
            for name in self._open:
                self._partial(name).unlink(missing_ok=True)
            if kind is not None:
                self._remove_new_folders()

    def write_items(self, name: str, items: Iterable[Item]) -> None:
        """Append `items` to the file `name`."""
        self._write_rows(name, (item_fields(item) for item in items))

    def write_interactions(self, name: str, rows: Iterable[Interaction]) -> None:
        """Append `rows` to the file `name`."""
        self._write_rows(name, (interaction_fields(row) for row in rows))

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Append rows that are written already, each with its line end, to the file `name`."""
        self.file(name).writelines(lines)

    def write_text(self, name: str, text: str) -> None:
        """Append `text` to the file `name`."""
        self.file(name).write(text.encode())

    def _write_rows(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        file, encode = self.file(name), self._encoder.encode
        for row in rows:
            file.write(encode(row) + b"\n")

    def _remove_new_folders(self) -> None:
        # One that somebody has put something into by now stays, and so does what it lies in.
        with suppress(OSError):
            for folder in self._new_folders:
                folder.rmdir()

    def file(self, name: str) -> IO[bytes]:
        """The file `name`, to be written to."""
        if name not in self._open:
            self._open[name] = self._partial(name).open("wb")
        return self._open[name]

    def _partial(self, name: str) -> Path:
        return self.folder / f".{name}.{os.getpid()}.partial"
