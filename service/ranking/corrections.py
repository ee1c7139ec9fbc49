"""Words of a query that stand in no row, by what they may have been meant for.

A word that some row has is taken as it is typed: a query without errors is asked for as ever. What takes the place of
another word stands in names, and is never shown: rows that it finds pass the rules like all others.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexing.journal.new_rows import NewRows
from indexing.words.bm25 import numbers_of
from indexing.words.columns import Words
from indexing.words.cutting import words_in
from indexing.words.sparse import Sparse
from indexing.words.vocabulary import Vocabulary, errors_in, near_words

# Of a text of which no row has a word, the first. Each costs some .3 ms of 100,000 words.
_MOST_WORDS = 8
# How many may be meant by one word, those with the fewest errors first, then those that most rows have.
_MOST_MEANT = 10
# What a word weighs by the errors in what was typed, of what it weighs where it is typed right. A space too many or too
# few is one error.
_WEIGHT = {1: 0.8, 2: 0.5}


class Corrections:
    """What may have been meant, among the words of one release and of the journal's rows."""

    def __init__(self, words: Words, vocabulary: Vocabulary | None, new: NewRows) -> None:
        """Without a `vocabulary` nothing is meant but what was typed."""
        self._words, self._vocabulary, self._new = words, vocabulary, new

    def missing(self, asked: Sparse) -> bool:
        """Whether a word of `asked` stands in no row of the release."""
        return self._vocabulary is not None and not self._words.num_rows(asked.indices).all()

    def corrected(self, text: str, asked: Sparse) -> Sparse:
        """The words `asked` of a text, weighed, and what those of them may have been meant for that stand nowhere.

        What is meant takes its weight from the word that was typed: all together weigh no less than before.
        """
        typed = words_in(text)
        places = {word: place for place, word in reversed(list(enumerate(typed)))}
        unknown = [word for word, num in zip(places, self._num_rows(list(places)), strict=True) if not num]
        weights = dict(zip(asked.indices.tolist(), asked.values.tolist(), strict=True))
        for word in sorted(unknown, key=places.__getitem__)[:_MOST_WORDS]:
            place = places[word]
            meant = self._near(word)
            meant |= dict.fromkeys(self._split(word) + self._joined(typed[max(place - 1, 0) : place + 2]), 1)
            if not meant:
                continue
            numbers = numbers_of(list(meant))
            values = self._words.weights(numbers) * np.array([_WEIGHT[errors] for errors in meant.values()], np.float32)
            (own,) = numbers_of([word]).tolist()
            weights[own] = max(weights[own] - float(values.sum()), 0.0)
            for number, value in zip(numbers.tolist(), values.tolist(), strict=True):
                weights[number] = max(weights.get(number, 0.0), value)
        indices = np.array(sorted(weights), np.uint32)
        return Sparse(indices, np.array([weights[number] for number in indices.tolist()], np.float32))

    def _near(self, word: str) -> dict[str, int]:
        """The words that are near enough, at the most `_MOST_MEANT`, by their errors."""
        found = dict(near_words(word, self._new.vocabulary))
        if self._vocabulary is not None:
            found |= dict(self._vocabulary.near(word))
        num_rows = dict(zip(found, self._num_rows(list(found)).tolist(), strict=True))
        first = sorted(found, key=lambda near: (found[near], -num_rows[near], near))
        return {near: found[near] for near in first[:_MOST_MEANT]}

    def _split(self, word: str) -> list[str]:
        """The two known words that are this one with a space, those of which the rarer one is the most frequent."""
        if not errors_in(word):
            return []
        parts = [(word[:place], word[place:]) for place in range(1, len(word))]
        heads, tails = (self._num_rows(list(words)) for words in zip(*parts, strict=True))
        rarer = np.minimum(heads, tails)
        best = int(rarer.argmax())
        return list(parts[best]) if rarer[best] else []

    def _joined(self, words: list[str]) -> list[str]:
        """The known words that are two neighbours without the space between them."""
        joined = [one + other for one, other in pairwise(words)]
        return [word for word, num in zip(joined, self._num_rows(joined), strict=True) if num]

    def _num_rows(self, words: list[str]) -> NDArray[np.int64]:
        """In how many rows each word (n,) stands; 1 where the journal's alone have it."""
        numbers = numbers_of(words)
        num_rows = self._words.num_rows(numbers)
        missing = num_rows == 0
        if missing.any() and len(self._new):
            num_rows[missing] = np.isin(numbers[missing], self._new.words().indices)
        return num_rows
