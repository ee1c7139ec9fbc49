"""The words of a release's rows, read by mmap, and in how many rows each word stands.

words_ends.npy      (N + 1,) where each row's entries end
words_indices.npy   the numbers of its words, ascending
words_values.npy    what each says of the row
words_terms.npy     (T,) the numbers of all words, ascending
words_rows.npy      (T,) in how many rows each stands
"""

from array import array
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.payload.npy_file import NpyFile
from indexing.words.sparse import Sparse, SparseRows

# Words that wait to be counted, at least: merging them costs as much as there are distinct ones.
_MIN_WAITING = 1 << 20


class WordsWriter:
    """Writes the words batch by batch; it holds the distinct ones and as many again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = array("q", [0])
        self._indices = NpyFile(folder / "words_indices.npy", "<u4")
        self._values = NpyFile(folder / "words_values.npy", "<f4")
        self._terms = np.zeros(0, np.uint32)
        # In how many rows each stands.
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[SparseRows] = []
        self._num_waiting = 0

    def append(self, words: SparseRows) -> None:
        """Add the next rows."""
        self._ends.extend((words.ends[1:] + self._ends[-1]).tolist())
        self._indices.append(words.indices)
        self._values.append(words.values)
        self._waiting.append(words)
        self._num_waiting += len(words.indices)
        if self._num_waiting >= max(_MIN_WAITING, len(self._terms)):
            self._count()

    def _count(self) -> None:
        waiting, self._waiting, self._num_waiting = self._waiting, [], 0
        terms = np.concatenate([self._terms, *(words.indices for words in waiting)])
        # A row has a word once: how often it waits is in how many rows it stands.
        counts = np.ones(len(terms), np.int64)
        counts[: len(self._counts)] = self._counts
        self._terms, places = np.unique(terms, return_inverse=True)
        # Sums of whole numbers are exact in floats far beyond any number of rows.
        self._counts = np.bincount(places, weights=counts, minlength=len(self._terms)).astype(np.int64)

    def close(self, *, whole: bool) -> None:
        """Close the files; those that are read are only there when they are `whole`."""
        self._indices.close()
        self._values.close()
        if whole:
            self._count()
            np.save(self._folder / "words_ends.npy", np.array(self._ends, np.int64))
            np.save(self._folder / "words_terms.npy", self._terms)
            np.save(self._folder / "words_rows.npy", self._counts)


class Words:
    """The words of one release."""

    def __init__(self, folder: Path) -> None:
        def mapped(name: str) -> NDArray[Any]:
            return np.asarray(np.load(folder / f"words_{name}.npy", mmap_mode="r"))

        self.rows = SparseRows(mapped("ends"), mapped("indices"), mapped("values"))
        """The words of each row."""
        self._terms, self._num_rows = mapped("terms"), mapped("rows")

    def weighed(self, terms: Sparse) -> Sparse:
        """The words of a query, each with its weight."""
        return Sparse(terms.indices, self.weights(terms.indices))

    def weights(self, terms: NDArray[np.uint32]) -> NDArray[np.float32]:
        """How much each of `terms` (n,) counts in a query: the more, the fewer rows have it.

        Inverse document frequency as Robertson & Zaragoza 2009, section 3.1, with 1 inside the logarithm so that no
        word counts against a row: ln(1 + (N - n + .5) / (n + .5)), of this release's rows, whatever was journalled.
        """
        num_rows = self.num_rows(terms).astype(np.float64)
        return np.log(1 + (len(self.rows) - num_rows + 0.5) / (num_rows + 0.5)).astype(np.float32)

    def num_rows(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many rows each of `terms` (n,) stands."""
        at, known = self._places(terms)
        return np.where(known, self._num_rows[at], 0) if len(self._terms) else np.zeros(len(terms), np.int64)

    def _places(self, terms: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where each of `terms` stands, and whether it does."""
        if not len(self._terms):
            return np.zeros(len(terms), np.int64), np.zeros(len(terms), np.bool_)
        at: NDArray[np.int64] = np.minimum(np.searchsorted(self._terms, terms), len(self._terms) - 1)
        return at, self._terms[at] == terms
