"""An item's words as a sparse vector of BM25: which fields are read, how often each counts, how a word saturates.

BM25 without its inverse document frequency, which belongs to the query (indexing/words/columns.py): so the vector is a
function of the row alone, and is the same in a build, a sync and a PUT. What the title and the names say counts twice,
by repeating them (Robertson, Zaragoza & Taylor 2004, "Simple BM25 extension to multiple weighted fields").
"""

from functools import cache

import numpy as np
import qdrant_edge as edge

from embedding.durable_files import hash_of
from embedding.rows.schema import Item
from indexing.words.sparse import Sparse

# The name of the vector in a collection.
BM25 = "bm25"
# As Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework", section 3.4: how soon a word that is repeated
# says nothing new, how much a long text is held back, and the length from which it is. 500 Italian and 155 English
# titles to their descriptions, recall@10: b .4 to .75 .652 to .646 and .768 to .774; a length of 32 falls to .474 and
# .723 where descriptions stand alone, 64 and 256 are alike (docs/log.md).
_K, _B, _USUAL_LENGTH = 1.2, 0.5, 64.0
_TIMES_TITLE, _TIMES_NAMES = 2, 2
# An upper bound of any value: a word that nothing but fills an endless text.
MOST_OF_A_WORD = _K + 1
# A bound on what one row may cost: .7 ms. Titles and names stand first.
_MAX_CHARS = 20_000
_PROBE = "Città d'arte: AC/DC, Straße, ＡＢＣ 2024 città"


@cache
def _embedder() -> edge.Bm25:
    # No stop words and no stems, whatever the language: catalogues mix them, and a row may not name its own.
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


def words_of(item: Item) -> Sparse:
    """The words of an item's title, creators, album, tags and text; none where all of it is signs."""
    names = ", ".join(item.all_creators)
    parts = (*[item.title] * _TIMES_TITLE, *[names] * _TIMES_NAMES, item.album, ", ".join(item.tags), item.text)
    return _sparse(_embedder().embed_document("\n".join(part for part in parts if part)[:_MAX_CHARS]))


def terms_of(text: str) -> Sparse:
    """The words of a query, each once, with a value of 1."""
    return _sparse(_embedder().embed_query(text))


@cache
def words_hash() -> str:
    """SHA-256 (hex) over what words are made of here: vectors of another hash cannot be compared with these."""
    probe = _sparse(_embedder().embed_document(_PROBE))
    return hash_of([_TIMES_TITLE, _TIMES_NAMES, _MAX_CHARS, probe.indices.tolist(), probe.values.tolist()])


def _sparse(vector: edge.SparseVector) -> Sparse:
    indices = np.array(vector.indices, np.uint32)
    return Sparse(indices, np.array(vector.values, np.float32))


def as_bytes(words: Sparse) -> bytes:
    """The indices, then the values, little-endian: what the journal keeps."""
    return words.indices.astype("<u4").tobytes() + words.values.astype("<f4").tobytes()


def from_bytes(data: bytes) -> Sparse:
    """The words that `as_bytes` wrote."""
    half = len(data) // 2
    return Sparse(np.frombuffer(data[:half], "<u4"), np.frombuffer(data[half:], "<f4"))
