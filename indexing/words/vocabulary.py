"""The words that names are made of, in a release: what a word that nobody wrote may have been meant for.

vocabulary_letters.npy   (L,) the code points of all words, end to end: the shortest first, those of one length sorted
vocabulary_ends.npy      (W + 1,) where each word ends
vocabulary_starts.npy    by length, from 0, the number of the first word that is as long or longer
vocabulary_marks.npy     (W,) a bit for each letter of a word, by the last six bits of its number
"""

import re
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from indexing.payload.payload import Payload
from indexing.words.cutting import words_and_more
from indexing.words.unspaced import is_unspaced

# Of three letters most are one error away from some other word; they may be meant by one of four.
_LEAST_LETTERS, _LEAST_MEANT = 4, 3
# Who mistypes a number means another one; longer words than these are none.
_LONGEST, _DIGIT = 32, re.compile("[0-9]")
_LETTERS_AN_ERROR, _MOST_ERRORS = 5, 2


def errors_in(word: str) -> int:
    """How many errors in typing are forgiven in a word: one in five letters, one in four; 0 where none is."""
    if len(word) < _LEAST_LETTERS or not _may_be_meant(word):
        return 0
    return min(max(len(word) // _LETTERS_AN_ERROR, 1), _MOST_ERRORS)


def spelt_in(payload: Payload) -> set[str]:
    """The words of what a row is called, of its album and tags, that may have been meant by what is mistyped."""
    return set(filter(_may_be_meant, _words_of_names(payload)))


def near_words(word: str, words: Iterable[str]) -> list[tuple[str, int]]:
    """Those of `words` that are `word` with as many errors as it may have, and with how many: a letter too many or too
    few, another letter, two that swapped places; `word` itself is not one of them."""
    most = errors_in(word)
    found = extract(word, list(words), scorer=OSA.distance, processor=None, score_cutoff=most, limit=None)
    return [(near, int(errors)) for near, errors, _ in found if errors]


class VocabularyWriter:
    """Gathers the words of a release; it holds each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._words: set[str] = set()

    def append(self, payload: Payload) -> None:
        """Add the words of a row."""
        self._words.update(_words_of_names(payload))

    def close(self) -> None:
        """Write the files."""
        # Each word is looked at once, not once for each row.
        words = sorted(filter(_may_be_meant, self._words), key=lambda word: (len(word), word))
        ends = np.array(list(accumulate(map(len, words), initial=0)), np.int64)
        letters = np.frombuffer("".join(words).encode("utf-32-le"), "<u4")
        starts = np.searchsorted(np.diff(ends), np.arange(_LONGEST + 2))
        for name, values in (
            ("letters", letters),
            ("ends", ends),
            ("starts", starts),
            ("marks", _marks(letters, ends)),
        ):
            np.save(self._folder / f"vocabulary_{name}.npy", values)


class Vocabulary:
    """The words of one release, read by mmap."""

    def __init__(self, folder: Path) -> None:
        def mapped(name: str) -> NDArray[np.int64]:
            return np.asarray(np.load(folder / f"vocabulary_{name}.npy", mmap_mode="r"))

        self._letters, self._ends, self._marks = mapped("letters"), mapped("ends"), mapped("marks")
        self._starts = mapped("starts").tolist()

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """That of the columns in a folder; None where an older build wrote none."""
        return cls(folder) if (folder / "vocabulary_marks.npy").exists() else None

    def __len__(self) -> int:
        return len(self._marks)

    def near(self, word: str) -> list[tuple[str, int]]:
        """As `near_words`, of all words; some .2 ms of 100,000."""
        most = errors_in(word)
        if not most:
            return []
        start, stop = self._starts[len(word) - most], self._starts[min(len(word) + most, _LONGEST) + 1]
        letters = np.frombuffer(word.encode("utf-32-le"), "<u4")
        (marks,) = _marks(letters, np.array([0, len(letters)]))
        # An error takes one letter away at the most, and brings one.
        other = np.bitwise_count(self._marks[start:stop] ^ marks)
        return near_words(word, map(self._word, (np.flatnonzero(other <= 2 * most) + start).tolist()))

    def _word(self, number: int) -> str:
        return self._letters[self._ends[number] : self._ends[number + 1]].tobytes().decode("utf-32-le")


def _words_of_names(payload: Payload) -> list[str]:
    names = (payload.title, *payload.creators, payload.creator, payload.album or "", *payload.tags)
    words, more = words_and_more("\n".join(names))
    return words + more


def _may_be_meant(word: str) -> bool:
    return _LEAST_MEANT <= len(word) <= _LONGEST and not _DIGIT.search(word) and not is_unspaced(word)


def _marks(letters: NDArray[np.uint32], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    if not len(letters):
        return np.zeros(0, np.uint64)
    bits = np.uint64(1) << (letters & np.uint32(63)).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, ends[:-1])
