"""Rows from a file that is one JSON list, entry by entry."""

from pathlib import Path

import msgspec

from embedding.importers.listens.listen import Listen, ListenParser, Records
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowProblem
from embedding.rows.streams import FileDamage, open_bytes

# Exporters begin a new file at some 12 MB.
_MAX_BYTES = 256 * 2**20
_entries = msgspec.json.Decoder(list[msgspec.Raw])


def read_json_list(path: Path, parser: ListenParser) -> Records[Listen]:
    """Each entry of the list in `path`, numbered from 1. Raises FileDamage where the file is no such list."""
    yield from parsed(decoded_list(path, read_whole(path)), parser)


def read_whole(path: Path) -> bytes:
    """All bytes of `path`. Raises FileDamage where it is empty, too long to be held, or cannot be read."""
    try:
        with open_bytes(path) as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise FileDamage(None, "a file that can be read", str(error) or "one that ends early") from None
    if not data:
        raise FileDamage(None, "rows", "an empty file")
    if len(data) > _MAX_BYTES:
        raise FileDamage(None, f"a JSON file of at most {_MAX_BYTES:,} bytes", "a longer one")
    return data


def decoded_list(path: Path, data: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """The entries of a JSON list, each as it is written."""
    try:
        return _entries.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FileDamage(None, "a JSON list", f"{shown(bytes(memoryview(data)[:60]))} in {path.name}") from None


def parsed(entries: list[msgspec.Raw], parser: ListenParser) -> Records[Listen]:
    """The rows in `entries`, numbered from 1."""
    for number, entry in enumerate(entries, 1):
        data = bytes(entry)
        try:
            yield number, len(data), parser.from_json(data)
        except RowProblem as problem:
            yield number, len(data), problem
