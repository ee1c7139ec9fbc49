"""Text vectors of items: none, or those of the text encoder behind its cache."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from embedding.protocols import TextEncoder, Vectors
from embedding.rows.schema import Item
from embedding.settings import EmbeddingSettings
from embedding.text.cached_encoding import encode_cached
from embedding.text.encoder_folder import DeferredEncoder, EncoderFolder, find_encoder
from embedding.text.encoder_hub import fetched_encoder
from embedding.text.item_text import item_text, query_hash, text_hash
from embedding.text.vector_cache import VectorCache

LoadEncoder = Callable[[EncoderFolder], TextEncoder]


class TextVectors(Protocol):
    """Text vectors of items, for a tower that may or may not read them."""

    @property
    def encoder_hash(self) -> str | None:
        """Hash of the encoder; None for a tower without text."""

    @property
    def dims(self) -> int:
        """Length of a vector; 0 for a tower without text."""

    def __call__(self, items: Sequence[Item], advance: Callable[[int], None]) -> Vectors:
        """Unit vectors (len(items), dims); calls `advance` with the number of items done since."""

    def of_texts(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """Unit vectors (len(texts), dims) of documents; calls `advance` with the number of texts done since."""

    def of_queries(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """Unit vectors (len(texts), dims) of queries; calls `advance` with the number of texts done since."""


class NoText:
    """For a tower without text: no encoder, vectors of no dims."""

    encoder_hash = None
    dims = 0

    def __call__(self, items: Sequence[Item], advance: Callable[[int], None]) -> Vectors:
        """An array of shape (len(items), 0)."""
        return self.of_texts([""] * len(items), advance)

    def of_texts(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """An array of shape (len(texts), 0)."""
        advance(len(texts))
        return np.zeros((len(texts), 0), np.float32)

    def of_queries(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """An array of shape (len(texts), 0)."""
        return self.of_texts(texts, advance)


class CachedText:
    """Text vectors by `encoder`, each text encoded once."""

    def __init__(self, encoder: TextEncoder, cache: VectorCache) -> None:
        self.encoder = encoder
        self._cache = cache

    @property
    def encoder_hash(self) -> str:
        """Hash of the encoder."""
        return self.encoder.hash

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self._cache.dims

    def __call__(self, items: Sequence[Item], advance: Callable[[int], None]) -> Vectors:
        """Unit vectors (len(items), dims) of the items' texts."""
        return self.of_texts([item_text(item) for item in items], advance)

    def of_texts(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """Unit vectors (len(texts), dims) of documents."""
        return encode_cached(self.encoder.encode, text_hash, self._cache, texts, advance)

    def of_queries(self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None) -> Vectors:
        """Unit vectors (len(texts), dims) of queries, which no document shares, whatever its text."""
        return encode_cached(self.encoder.encode_queries, query_hash, self._cache, texts, advance)


@contextmanager
def open_text_vectors(settings: EmbeddingSettings, load_encoder: LoadEncoder, wanted: bool) -> Iterator[TextVectors]:
    """The text vectors that `settings` point to, or none where the tower reads no text.

    `load_encoder` is called only when a text is not in the cache; an encoder that is named by hub is fetched once.

    Raises EncoderMissingError when there is no encoder.
    """
    if not wanted:
        yield NoText()
        return
    found = find_encoder(fetched_encoder(settings.encoder, settings.vector_cache_dir))
    with cached_texts(found, settings.vector_cache_dir, load_encoder) as texts:
        yield texts


@contextmanager
def cached_texts(found: EncoderFolder, cache_dir: Path, load_encoder: LoadEncoder) -> Iterator[CachedText]:
    """The text vectors of an encoder, which is loaded only when a text is not in the cache below `cache_dir`."""
    encoder = DeferredEncoder(found, load_encoder)
    with VectorCache.of(cache_dir, encoder) as cache:
        yield CachedText(encoder, cache)
