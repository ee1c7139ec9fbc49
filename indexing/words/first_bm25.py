"""The first way in which words were made, frozen: releases that were built by it are asked as they were built.

The engine's own BM25 cuts words at whatever is no letter to it, marks among them, reads texts as they are composed, and
of two words of one number keeps one, not always the same. What is built now goes by indexing/words/bm25.py.
"""

from functools import cache

import numpy as np
import qdrant_edge as edge

from embedding.durable_files import hash_of
from embedding.rows.schema import Item
from indexing.words.sparse import Sparse

_K, _B, _USUAL_LENGTH = 1.2, 0.5, 64.0
_TIMES_TITLE, _TIMES_NAMES = 2, 2
_MAX_CHARS = 20_000
_PROBE = "Città d'arte: AC/DC, Straße, ＡＢＣ 2024 città"


@cache
def _embedder() -> edge.Bm25:
    return edge.Bm25(
        edge.Bm25Config(
            k=_K,
            b=_B,
            avg_len=_USUAL_LENGTH,
            tokenizer=edge.TokenizerType.Word,
            lowercase=True,
            ascii_folding=True,
            stopwords=edge.StopwordsSet(),
            stemmer=edge.DisabledStemmer(),
        )
    )


def first_words_of(item: Item) -> Sparse:
    """The words of an item's title, creators, album, tags and text; none where all of it is signs."""
    names = ", ".join(item.all_creators)
    parts = (*[item.title] * _TIMES_TITLE, *[names] * _TIMES_NAMES, item.album, ", ".join(item.tags), item.text)
    return _sparse(_embedder().embed_document("\n".join(part for part in parts if part)[:_MAX_CHARS]))


def first_terms_of(text: str) -> Sparse:
    """The words of a query, each once, with a value of 1."""
    return _sparse(_embedder().embed_query(text))


@cache
def first_words_hash() -> str:
    """SHA-256 (hex) over what words are made of here: what manifests of such releases name."""
    probe = _sparse(_embedder().embed_document(_PROBE))
    return hash_of([_TIMES_TITLE, _TIMES_NAMES, _MAX_CHARS, probe.indices.tolist(), probe.values.tolist()])


def _sparse(vector: edge.SparseVector) -> Sparse:
    indices = np.array(vector.indices, np.uint32)
    return Sparse(indices, np.array(vector.values, np.float32))
