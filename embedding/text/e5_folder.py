"""multilingual-e5-small as an ordinary sentence-transformers folder, converted once from the packed file."""

from pathlib import Path

from embedding.durable_files import new_folder
from embedding.errors import EncoderMissingError
from embedding.settings import MULTILINGUAL
from embedding.text.encoder_folder import hash_folder
from embedding.text.packed_e5 import find_packed_e5

FOLDER_HASH = "d502437ad4d023ee9c3d17e01bbcf50ff2a99616c9a75c53f5b1d561b6c0a974"


def converted_e5(cache_dir: Path) -> Path:
    """The folder of the converted model below `cache_dir`; converted first where it is not there, or is damaged.

    Any number of processes may ask at once: each finds a whole folder, or makes one that takes its place in one step.

    Raises EncoderMissingError where the package is missing or another one, where the folder cannot be written, and
    where the conversion gives other bytes than it should.
    """
    folder = cache_dir / "encoders" / MULTILINGUAL
    if folder.is_dir() and hash_folder(folder) == FOLDER_HASH:
        return folder
    packed = find_packed_e5()
    # Where the folder is there, nothing of torch is needed to find it.
    from embedding.text.e5_conversion import write_e5

    try:
        with new_folder(folder) as fresh:
            write_e5(packed, fresh)
            if (found := hash_folder(fresh)) != FOLDER_HASH:
                raise EncoderMissingError(
                    f"The conversion of {MULTILINGUAL} gave a folder with hash {found}, not {FOLDER_HASH}: vectors of "
                    "this machine would not match those of others. Install safetensors as constraints.txt names it."
                )
    except OSError as error:
        raise EncoderMissingError(
            f"No text encoder {MULTILINGUAL}: it is converted once, to {folder}, which cannot be written ({error}). "
            "Set `cache_dir` to a folder that can, with 300 MB free."
        ) from error
    return folder
