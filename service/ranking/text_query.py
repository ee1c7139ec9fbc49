"""A text as a query: its words weighed for one release, its meaning, the items of just that name."""

import numpy as np
from cachetools import LRUCache
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.names import name_key
from indexing.journal.current_rows import CurrentRows
from indexing.words.bm25 import MOST_OF_A_WORD, words_hash
from indexing.words.sparse import Sparse
from service.ranking.corrections import Corrections
from service.ranking.hybrid_score import centred

# As many as the encoder keeps vectors of.
_CACHED_TEXTS = 16_384
# What more items are called than this (an "Intro", "Various Artists") names none of them.
_MOST_CALLED = 1_000
# Rows that stand for all when it is asked how near rows are on the whole: the mean of 1,024 is sure to 3 % of a
# standard deviation, and they take .1 ms.
_SAMPLED_ROWS = 1_024
TITLED, NAMED = 2, 1


class Spread(Struct, frozen=True):
    """Mean and standard deviation of the scores of all rows of a release."""

    mean: float
    deviation: float

    def standard(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Standard scores (n,); all 0 where the scores do not differ."""
        if not self.deviation:
            return np.zeros(len(scores))
        return (scores.astype(np.float64) - self.mean) / self.deviation


class TextQuery(Struct, frozen=True):
    """A text as words: `most` is a bound of what a row can score, `called` has TITLED or NAMED by row."""

    words: Sparse
    most: float
    called: dict[int, int]

    def parts(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Which part of the text's weight rows of such `scores` (R,) reach: 0 to 1."""
        if not self.most:
            return scores.astype(np.float64)
        return np.divide(scores, self.most, dtype=np.float64)

    def more_for_names(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How much higher each of `rows` (R,) stands for what it is called."""
        return np.array([self.called.get(row, 0) for row in rows.tolist()], np.int64)


class SemanticQuery(Struct, frozen=True):
    """A text as the unit vector (dims,) by which `hybrid` compares, and how near it is to the rows on the whole."""

    vector: NDArray[np.float32]
    spread: Spread


class TextQueries:
    """The texts that one release was asked for last."""

    def __init__(self, rows: CurrentRows) -> None:
        self._rows = rows
        columns = rows.release.columns
        # Words of another way are other words.
        same_way = rows.release.manifest.words_hash == words_hash()
        self._corrections = Corrections(columns.words, columns.vocabulary if same_way else None, rows.new)
        # With how many rows of the journal there were, where a word stood in none.
        self._words: LRUCache[str, tuple[int | None, TextQuery]] = LRUCache(_CACHED_TEXTS)
        self._meanings: LRUCache[str, SemanticQuery] = LRUCache(_CACHED_TEXTS)
        # Rows that stand for all, and their mean.
        self._sample: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def words(self, text: str) -> TextQuery:
        """The words of `text`, with the items that are called so now."""
        new, key = self._rows.new, name_key(text)
        num, known = self._words.get(text, (-1, None))
        if known is None or num not in (None, len(new)):
            num, known = self._words[text] = self._look(text)
        if not new.payloads or not (new.titled(key) or new.named(key)):
            return known
        called = known.called | {self._rows.num_own + slot: NAMED for slot in new.named(key)}
        called |= {self._rows.num_own + slot: TITLED for slot in new.titled(key)}
        return TextQuery(known.words, known.most, called)

    def meaning(self, text: str, vector: NDArray[np.float32]) -> SemanticQuery:
        """The meaning of `text`, whose `vector` (dims,) the encoder gave."""
        known = self._meanings.get(text)
        if known is not None:
            return known
        if self._sample is None:
            vectors = self._rows.release.columns.vectors("text")
            drawn = np.unique(np.linspace(0, len(vectors) - 1, _SAMPLED_ROWS).astype(np.int64))
            self._sample = vectors[drawn], vectors[drawn].mean(axis=0)
        sample, mean = self._sample
        compared = centred(vector, mean)
        scores = sample @ compared
        known = self._meanings[text] = SemanticQuery(compared, Spread(float(scores.mean()), float(scores.std())))
        return known

    def _look(self, text: str) -> tuple[int | None, TextQuery]:
        release = self._rows.release
        words, num_new = release.asked(text), None
        if self._corrections.missing(words):
            words, num_new = self._corrections.corrected(text, words), len(self._rows.new)
        called = dict.fromkeys(_few(release.creators.rows([name_key(text)])), NAMED)
        called |= dict.fromkeys(_few(release.columns.titled(text)), TITLED)
        return num_new, TextQuery(words, float(words.values.sum()) * MOST_OF_A_WORD, called)


def _few(rows: NDArray[np.int64]) -> list[int]:
    return rows.tolist() if len(rows) <= _MOST_CALLED else []
