"""The key that cursors are signed with: made once, the same for all workers and hosts of a data folder."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from embedding.errors import DamagedError

FILE = "cursor.key"
_BYTES = 32


def cursor_key(data_dir: Path) -> bytes:
    """The key of a data folder, made when there is none yet; DamagedError when the file is not one.

    Whoever comes first makes it: several processes that start at once end up with the same one.
    """
    path = data_dir / FILE
    with suppress(FileNotFoundError):
        return _read(path)
    data_dir.mkdir(parents=True, exist_ok=True)
    mine = data_dir / f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link fails where another process was first.
        with suppress(FileExistsError):
            os.link(mine, path)
    finally:
        mine.unlink()
    return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _BYTES:
        raise DamagedError(
            f"{path} has {len(key)} bytes, a key of {_BYTES} was expected. Remove it: a new one is made at the next "
            "start, and cursors given before are refused."
        )
    return key
