"""Rows with words as they fall in languages, vectors as long as those of real texts, and texts to search for."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.asking import asked_context
from benchmarks.harness.opened_world import LIMIT
from benchmarks.harness.world import NUM_CENTRES, PlantedEncoder, build_world, rows
from embedding.protocols import Vectors
from service.schemas.requests import SearchRequest

DIMS = 384
# How much of all squares the first principal components of 117,164 real titles and descriptions have, of the packaged
# encoder: the first 32 .488, and so on.
_OF_REAL_TEXTS = {0: 0.0, 32: 0.488, 64: 0.629, 96: 0.73, 128: 0.805, 192: 0.909, DIMS: 1.0}
_WORDS, _WORDS_A_ROW, _WORDS_A_QUERY = 60_000, 30, 4

Mode = Literal["semantic", "lexical", "hybrid"]
MODES: tuple[Mode, ...] = ("semantic", "lexical", "hybrid")


def build_worded_world(folder: Path, num_items: int) -> None:
    """The release of worded items in `folder`, built if it is not there."""
    build_world(folder, num_items, PlantedEncoder(DIMS, shares()), worded_rows)


class QueryEncoder(PlantedEncoder):
    """Puts a query of words beside a centre that the words choose."""

    def __init__(self) -> None:
        super().__init__(DIMS, shares())

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims)."""
        chosen = [zlib.crc32(text.encode()) for text in texts]
        return super().encode_queries([f"centre-{number % NUM_CENTRES} item-{number}" for number in chosen])


def shares() -> NDArray[np.float64]:
    """(DIMS,) how much of all squares each component has."""
    so_far = np.interp(np.arange(DIMS + 1), list(_OF_REAL_TEXTS), list(_OF_REAL_TEXTS.values()))
    return np.diff(so_far)


def worded_rows(num_items: int) -> Iterator[dict[str, object]]:
    """Catalogue rows with thirty words each."""
    dice = np.random.default_rng(11)
    for row in rows(num_items):
        yield row | {"text": _words(dice, _WORDS_A_ROW)}


def _words(dice: np.random.Generator, num: int) -> str:
    """Words by Zipf's law: the commonest is in nearly every row."""
    ranks = np.minimum(dice.zipf(1.3, num), _WORDS)
    return " ".join(f"w{rank}" for rank in ranks)


def drawn_texts(num: int, seed: int) -> list[str]:
    """Texts to search for: four words and a rarer one."""
    dice = np.random.default_rng(seed)
    return [f"{_words(dice, _WORDS_A_QUERY)} w{dice.integers(_WORDS)}" for _ in range(num)]


def search_request(text: str, mode: Mode) -> SearchRequest:
    """A search under the rules that every benchmark asks under."""
    return SearchRequest(text=text, mode=mode, context=asked_context(), limit=LIMIT)
