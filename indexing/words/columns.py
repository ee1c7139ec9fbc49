"""The words of a release's rows, read by mmap, and in how many rows each word stands.

words_ends.npy      (N + 1,) where each row's entries end
words_indices.npy   the numbers of its words, ascending
words_values.npy    what each says of the row
words_terms.npy     (T,) the numbers of all words, ascending
words_rows.npy      (T,) in how many rows each stands
"""

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.npy_file import NpyFile
from indexing.words.document import terms_of
from indexing.words.sparse import Sparse, SparseRows

# Words that wait to be counted, at least: merging them costs as much as there are distinct ones.
_MIN_WAITING = 1 << 20
_NO_TERMS = np.zeros(0, np.uint32)


class WordsWriter:
    """Writes the words batch by batch; it holds the distinct ones and as many again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = array("q", [0])
        self._indices = NpyFile(folder / "words_indices.npy", "<u4")
        self._values = NpyFile(folder / "words_values.npy", "<f4")
        self._terms = np.zeros(0, np.uint32)
        self._rows = np.zeros(0, np.int64)
        self._waiting: list[NDArray[np.uint32]] = []
        self._num_waiting = 0

    def append(self, words: SparseRows) -> None:
        """Add the next rows."""
        self._ends.extend((words.ends[1:] + self._ends[-1]).tolist())
        self._indices.append(words.indices)
        self._values.append(words.values)
        self._waiting.append(words.indices)
        self._num_waiting += len(words.indices)
        if self._num_waiting >= max(_MIN_WAITING, len(self._terms)):
            self._count()

    def _count(self) -> None:
        # A row has a word once: how often it waits is in how many rows it stands.
        terms, rows = np.unique(np.concatenate((*self._waiting, _NO_TERMS)), return_counts=True)
        self._waiting, self._num_waiting = [], 0
        self._terms, places = np.unique(np.concatenate((self._terms, terms)), return_inverse=True)
        counts = np.concatenate((self._rows, rows))
        self._rows = np.bincount(places, weights=counts, minlength=len(self._terms)).astype(np.int64)

    def close(self, *, whole: bool) -> None:
        """Close the files; those that are read are only there when they are `whole`."""
        self._indices.close()
        self._values.close()
        if whole:
            self._count()
            np.save(self._folder / "words_ends.npy", np.array(self._ends, np.int64))
            np.save(self._folder / "words_terms.npy", self._terms)
            np.save(self._folder / "words_rows.npy", self._rows)


class Words:
    """The words of one release."""

    def __init__(self, folder: Path) -> None:
        def mapped(name: str) -> NDArray[np.generic]:
            return np.asarray(np.load(folder / f"words_{name}.npy", mmap_mode="r"))

        self.rows = SparseRows(mapped("ends"), mapped("indices"), mapped("values"))  # type: ignore[arg-type]
        """The words of each row."""
        self._terms, self._num_rows = mapped("terms"), mapped("rows")

    def query(self, text: str) -> Sparse:
        """The words of a text, each with its weight."""
        terms = terms_of(text).indices
        return Sparse(terms, self.weights(terms))

    def weights(self, terms: NDArray[np.uint32]) -> NDArray[np.float32]:
        """How much each of `terms` (n,) counts in a query: the more, the fewer rows have it.

        Inverse document frequency as Robertson & Zaragoza 2009, section 3.1, with 1 inside the logarithm so that no
        word counts against a row: ln(1 + (N - n + .5) / (n + .5)), of this release's rows, whatever was journalled.
        """
        num_rows = np.zeros(len(terms))
        if len(self._terms):
            at = np.minimum(np.searchsorted(self._terms, terms), len(self._terms) - 1)
            num_rows = np.where(self._terms[at] == terms, self._num_rows[at], 0)
        return np.log(1 + (len(self.rows) - num_rows + 0.5) / (num_rows + 0.5)).astype(np.float32)
