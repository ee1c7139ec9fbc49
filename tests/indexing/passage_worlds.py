"""Long texts whose sentences are told apart by planted words, and an encoder that sees words alone."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from embedding.protocols import Vectors
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Item, Window
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.release.manifest import Manifest
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.releases.workspace import Workspace
from indexing.rules.reading import DEFAULT_RULES
from indexing.settings import IndexingSettings
from indexing.state.files import FilesState
from indexing.stores.contract import VectorStore
from tests.indexing.release_worlds import QUIET

NUM_ITEMS = 40
DIMS = 128
_ZERO = np.zeros(DIMS, np.float32)
_SENTENCE = "{word} {word} {word} and {word}, {word}, {word} or rather {word} again. "


class WordsEncoder:
    """The mean of a fixed random vector for each word: texts that share a word are near. `name` tells two apart."""

    dims = DIMS

    def __init__(self, name: str = "words") -> None:
        self.hash = name

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), DIMS)."""
        sums = np.array([sum((_word(self.hash, word) for word in re.findall(r"\w+", text)), _ZERO) for text in texts])
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)

    encode_queries = encode


@cache
def _word(name: str, word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(f"{name} {word}".encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=DIMS).astype(np.float32)


def words_texts(folder: Path, name: str = "words") -> CachedText:
    """Text vectors by the encoder of that name, kept in `folder`."""
    encoder = WordsEncoder(name)
    return CachedText(encoder, VectorCache.of(folder, encoder))


def planted_word(item_id: str, sentence: int) -> str:
    """What only that sentence of that item speaks of."""
    return f"{item_id.replace('-', '')}x{sentence}"


def long_text(item_id: str, num_sentences: int) -> str:
    """Sentences of some 80 characters, each about its own word."""
    return "".join(_SENTENCE.format(word=planted_word(item_id, number)) for number in range(num_sentences)).strip()


def make_item(number: int, num_sentences: int | None = None) -> Item:
    """Every third text is short; a quarter of all is for Sweden alone, a fifth explicit, a third of them tracks."""
    item_id = f"item-{number}"
    if num_sentences is None:
        num_sentences = 3 if number % 3 == 0 else 8 + number % 17
    return Item(
        id=item_id,
        kind="track" if number % 3 == 1 else "episode",
        title=f"Number {number}",
        creator=f"Maker {number % 7}",
        text=long_text(item_id, num_sentences),
        explicit=number % 5 == 0,
        availability=(Window("SE"),) if number % 4 == 0 else (Window("*"),),
    )


def make_items() -> list[Item]:
    """All items of the world."""
    return [make_item(number) for number in range(NUM_ITEMS)]


def plain_items(num_sentences: int = 12) -> list[Item]:
    """A few rows that differ in no field that rules read, so that little is measured when they are built."""
    plain = {"kind": "episode", "explicit": None, "availability": (Window("*"),)}
    return [msgspec.structs.replace(make_item(number, num_sentences), **plain) for number in range(6)]


def write_catalogue(folder: Path, items: Sequence[Item]) -> Path:
    """A catalogue of these items."""
    with RowFiles(folder) as files:
        files.write_items("catalogue.jsonl", list(items))
    return folder / "catalogue.jsonl"


async def build_passages(workspace: Workspace, catalogue: Path, texts: CachedText) -> Manifest:
    """A release of text alone, not live."""
    deps = BuildDependencies(
        data_dir=workspace.settings.data_dir,
        store=workspace.store,
        state=workspace.state,
        texts=texts,
        rules=DEFAULT_RULES,
        max_reject_share=0.01,
        reporter=QUIET,
    )
    return await build_release(BuildInputs(catalogue=catalogue), deps)


def workspace_over(store: VectorStore, data_dir: Path) -> Workspace:
    """A workspace over a store."""
    state = FilesState(data_dir)
    releases = Releases(data_dir, store, state)
    return Workspace(IndexingSettings(data_dir=data_dir), store, releases, state, RecordEncoder(releases))
