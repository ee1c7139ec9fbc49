"""An item's words as a sparse vector of BM25: which fields are read, how often each counts, how a word saturates.

BM25 without its inverse document frequency, which belongs to the query (indexing/words/columns.py): so the vector is a
function of the row alone, and is the same in a build, a sync and a PUT. What the title and the names say counts twice,
by repeating them (Robertson, Zaragoza & Taylor 2004, "Simple BM25 extension to multiple weighted fields").
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embedding.durable_files import hash_of
from embedding.rows.schema import Item
from indexing.words.cutting import words_and_more, words_in
from indexing.words.sparse import Sparse

# The name of the vector in a collection.
BM25 = "bm25"
# As Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework", section 3.4: how soon a word that is repeated
# says nothing new, how much a long text is held back, and the length from which it is. 500 Italian and 155 English
# titles to their descriptions, recall@10: b .4 to .75 .652 to .646 and .768 to .774; a length of 32 falls to .474 and
# .723 where descriptions stand alone, 64 and 256 are alike (docs/log.md).
_K, _B, _USUAL_LENGTH = 1.2, 0.5, 64.0
_TIMES_NAMES = 2
# An upper bound of any value: a word that nothing but fills an endless text.
MOST_OF_A_WORD = _K + 1
# A bound on what one row may cost. Titles and names stand first, and may take half of it.
_MAX_CHARS = 20_000
# A composed character is four others at most.
_MOST_DECOMPOSED = 4
_PROBE = (
    "Città d'arte: AC/DC, Straße, ＡＢＣ 2024 città ΔΡΌΜΟΣ Ёлка قِصَّة שָׁלוֹם हिन्दी ភាសា Łódź so\u00adft 第２回"
    " 京都の夜 والكتاب हँसी क़लम"
)


def words_of(item: Item) -> Sparse:
    """The words of an item's title, creators, album, tags and text; none where all of it is signs.

    Whom the row is shown under counts as a creator, too.
    """
    named, more_named = words_and_more(_opening("\n".join((item.title, *item.credited)), _MAX_CHARS // 2))
    texts = "\n".join(part for part in (item.album, *item.tags, item.text) if part)
    words, more = words_and_more(_opening(texts, _MAX_CHARS // 2))
    counts = Counter(named * _TIMES_NAMES + words)
    # What says the same once more makes the row no longer.
    length = counts.total()
    counts.update(more_named * _TIMES_NAMES + more)
    return _bm25(counts, length)


def terms_of(text: str) -> Sparse:
    """The words of a query, each once, with a value of 1."""
    indices = np.unique(numbers_of(words_in(text)))
    return Sparse(indices, np.ones(len(indices), np.float32))


def numbers_of(words: Sequence[str]) -> NDArray[np.uint32]:
    """The numbers (n,) by which words are told."""
    return np.array([_number(word) for word in words], np.uint32)


@cache
def words_hash() -> str:
    """SHA-256 (hex) over what words are made of here: vectors of another hash cannot be compared with these."""
    probe = words_of(Item(id="p", kind="track", title=_PROBE, creator="Ñandú", text=_PROBE))
    return hash_of([_MAX_CHARS, probe.indices.tolist(), probe.values.tolist()])


def as_bytes(words: Sparse) -> bytes:
    """The indices, then the values, little-endian: what the journal keeps."""
    return words.indices.astype("<u4").tobytes() + words.values.astype("<f4").tobytes()


def from_bytes(data: bytes) -> Sparse:
    """The words that `as_bytes` wrote."""
    half = len(data) // 2
    return Sparse(np.frombuffer(data[:half], "<u4"), np.frombuffer(data[half:], "<f4"))


def _opening(text: str, most: int) -> str:
    """The first `most` characters once all are composed, so that both forms of a text end at one place."""
    return unicodedata.normalize("NFC", text[: _MOST_DECOMPOSED * most])[:most]


def _bm25(counts: Counter[str], length: int) -> Sparse:
    """The weights of words by how often each is there, in a row of `length` words; two words of one number are one
    entry, of what both say."""
    indices = np.fromiter(map(_number, counts), np.uint32, len(counts))
    times = np.fromiter(counts.values(), np.float64, len(counts))
    held_back = _K * (1 - _B + _B * length / _USUAL_LENGTH)
    weights = times * (_K + 1) / (times + held_back)
    order = np.argsort(indices)
    indices, weights = indices[order], weights[order]
    if (indices[1:] == indices[:-1]).any():
        indices, places = np.unique(indices, return_inverse=True)
        # From the least up: the sum of floats depends on their order, which is not to be that of the text.
        least_first = np.argsort(weights, kind="stable")
        sums = np.bincount(places[least_first], weights=weights[least_first])
        weights = np.minimum(sums.astype(np.float64), MOST_OF_A_WORD)
    return Sparse(indices, weights.astype(np.float32))


def _number(word: str) -> int:
    return crc32(word.encode())
