"""Names by the words in them: which titles and creators have a word, or one that begins as was typed."""

import sys
from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from service.loaded.typing_errors import Span, beginning_with, just, one_off


class NameIndex:
    """Sorted words, and the numbers of the names that have each, in one array: those of words that begin alike lie
    side by side. Four bytes for each word of each name, and each word once."""

    def __init__(self, words: list[str], ends: NDArray[np.int64], names: NDArray[np.int32], num_names: int) -> None:
        self._words, self._ends, self._names, self._num_names = words, ends, names, num_names

    @classmethod
    def of(cls, names: Iterable[Sequence[str]]) -> "NameIndex":
        """Of names, numbered from 0, by their words."""
        number_of: dict[str, int] = {}
        words, holders = array("i"), array("i")
        num_names = 0
        for name, of_name in enumerate(names):
            num_names = name + 1
            for word in dict.fromkeys(of_name):
                words.append(number_of.setdefault(word, len(number_of)))
                holders.append(name)
        ordered = sorted(number_of)
        place = np.empty(len(ordered), np.int32)
        place[[number_of[word] for word in ordered]] = np.arange(len(ordered), dtype=np.int32)
        places = place[np.array(words, np.int32)] if words else np.zeros(0, np.int32)
        ends = np.zeros(len(ordered) + 1, np.int64)
        np.cumsum(np.bincount(places, minlength=len(ordered)), out=ends[1:])
        return cls(ordered, ends, np.array(holders, np.int32)[np.argsort(places, kind="stable")], num_names)

    @property
    def nbytes(self) -> int:
        """What is kept in memory."""
        return self._ends.nbytes + self._names.nbytes + sum(map(sys.getsizeof, self._words)) + 8 * len(self._words)

    def matching(self, typed: Sequence[str]) -> NDArray[np.int32]:
        """The names that have all words `typed`, the last of them begun; a name may come more than once."""
        spans = [[just(self._words, word)] for word in typed[:-1]]
        return self._in_all([*spans, [beginning_with(self._words, typed[-1])]])

    def nearly_matching(self, typed: Sequence[str]) -> NDArray[np.int32]:
        """The same with one typing error in one of the words, those that match without one among them or not."""
        exact = [[just(self._words, word)] for word in typed[:-1]] + [[beginning_with(self._words, typed[-1])]]
        found = []
        for place, word in enumerate(typed):
            near = one_off(self._words, word, whole=place < len(typed) - 1)
            found.append(self._in_all([*exact[:place], near, *exact[place + 1 :]]))
        return np.concatenate(found)

    def _in_all(self, spans: Sequence[Sequence[Span]]) -> NDArray[np.int32]:
        """The names that have one word of each of these."""
        parts = sorted((self._having(some) for some in spans), key=len)
        found = parts[0]
        for part in parts[1:]:
            if not len(found):
                break
            having = np.zeros(self._num_names, np.bool_)
            having[part] = True
            found = found[having[found]]
        return found

    def _having(self, spans: Sequence[Span]) -> NDArray[np.int32]:
        parts = [self._names[self._ends[start] : self._ends[end]] for start, end in spans if start < end]
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0, np.int32)
