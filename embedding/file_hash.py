"""The hash by which every file of a model and of a release is known."""

import hashlib
from pathlib import Path


def hash_file(path: Path) -> str:
    """SHA-256 (hex) over a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
