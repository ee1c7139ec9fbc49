"""multilingual-e5-small as an ordinary sentence-transformers folder, converted once from the packed file."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedding.durable_files import new_folder
from embedding.errors import EncoderMissingError
from embedding.settings import MULTILINGUAL
from embedding.text.encoder_folder import hash_folder
from embedding.text.packed_e5 import find_packed_e5

FOLDER_HASH = "d502437ad4d023ee9c3d17e01bbcf50ff2a99616c9a75c53f5b1d561b6c0a974"


def converted_e5(cache_dir: Path) -> Path:
    """The folder of the converted model below `cache_dir`; converted first where it is not there, or is damaged.

    Any number of processes may ask at once: one converts, to a folder that takes its place in one step, and the others
    wait for it. What a killed one left half made is removed by the next.

    Raises EncoderMissingError where the package is missing or another one, where the folder cannot be written, and
    where the conversion gives other bytes than it should.
    """
    folder = cache_dir / "encoders" / MULTILINGUAL
    if _is_whole(folder):
        return folder
    packed = find_packed_e5()
    # Where the folder is there, nothing of torch is needed to find it.
    from embedding.text.e5_conversion import write_e5

    try:
        with _alone(folder):
            if _is_whole(folder):
                return folder
            with new_folder(folder) as fresh:
                write_e5(packed, fresh)
                if (found := hash_folder(fresh)) != FOLDER_HASH:
                    raise EncoderMissingError(
                        f"The conversion of {MULTILINGUAL} gave a folder with hash {found}, not {FOLDER_HASH}: vectors "
                        "of this machine would not match those of others. Install safetensors as constraints.txt names "
                        "it."
                    )
    except OSError as error:
        raise EncoderMissingError(
            f"No text encoder {MULTILINGUAL}: it is converted once, to {folder}, which cannot be written ({error}). "
            "Set `cache_dir` to a folder that can, with 300 MB free."
        ) from error
    return folder


def _is_whole(folder: Path) -> bool:
    return folder.is_dir() and hash_folder(folder) == FOLDER_HASH


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process converts to `folder` meanwhile, so half-made folders beside it are those of dead ones: removed.

    The lock goes with the process that holds it, however that ends.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for half_made in folder.parent.glob(f".{folder.name}-*"):
            shutil.rmtree(half_made)
        yield
