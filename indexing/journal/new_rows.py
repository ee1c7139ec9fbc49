"""The rows that the journal put: numbered after the release's own, each kept as it came, never changed."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from embedding.rows.names import name_key
from indexing.columns.scoring import ROUNDING, one_by_one
from indexing.journal.new_passages import NewPassages
from indexing.payload.payload import Payload
from indexing.release.passages import PASSAGES, RowPassages
from indexing.words.growing import GrowingRows
from indexing.words.sparse import Sparse, SparseRows
from indexing.words.vocabulary import spelt_in

_FIRST_CAPACITY = 64
# Less than any score, more than that of a row that has none.
_NOTHING = -1e30
# The release has no row that this one replaces.
NO_ORIGIN = -1


class NewRows:
    """Payloads, hashes, vectors and words by slot (0, 1, …); a changed row takes a new slot."""

    def __init__(self, dims: dict[str, int]) -> None:
        self.payloads: list[Payload] = []
        self.hashes: list[bytes] = []
        self.origins: list[int] = []
        self.has_vectors: list[bool] = []
        self.passages = NewPassages(dims.get("text", 0))
        self.vocabulary: set[str] = set()
        """The words of names."""
        self._dims = dims
        self._titled: defaultdict[str, list[int]] = defaultdict(list)
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._words = GrowingRows()
        self._vectors = {space: np.zeros((_FIRST_CAPACITY, size), np.float32) for space, size in dims.items()}

    def __len__(self) -> int:
        return len(self.payloads)

    def append(
        self,
        payload: Payload,
        hashes: bytes,
        origin: int,
        vectors: dict[str, NDArray[np.float32]],
        words: Sparse,
        passages: RowPassages | None,
    ) -> int:
        """Add a row; its slot. `origin` is the release's own row of that id; `vectors` may lack spaces."""
        slot = len(self.payloads)
        if slot == len(next(iter(self._vectors.values()))):
            self._vectors = {
                space: np.concatenate((kept, np.zeros_like(kept))) for space, kept in self._vectors.items()
            }
        self.payloads.append(payload)
        self.hashes.append(hashes)
        self.origins.append(origin)
        self.has_vectors.append(False)
        self._words.append(words)
        self.vocabulary |= spelt_in(payload)
        self._titled[name_key(payload.title)].append(slot)
        for key in payload.creator_keys:
            self._named[key].append(slot)
        self.give(slot, vectors, passages)
        return slot

    def give(self, slot: int, vectors: dict[str, NDArray[np.float32]], passages: RowPassages | None) -> None:
        """Set the vectors (dims,) of a row, and its passages unless None; it can be found once it has a vector in
        every space."""
        for space, vector in vectors.items():
            self._vectors[space][slot] = vector
        if vectors.keys() >= self._dims.keys():
            self.has_vectors[slot] = True
        if passages is not None:
            self.passages.give(slot, passages)

    def scores(self, space: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """(len,) of all rows for `vector` (dims,); in the space `PASSAGES` that of the best passage of each, minus
        infinity where it has none."""
        return self.passages.scores(vector, len(self)) if space == PASSAGES else self.vectors(space) @ vector

    def near(
        self, space: str, vector: NDArray[np.float32], slots: NDArray[np.int64], least: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Those of `slots` that score `least` or more for `vector` (dims,), and their scores: the same to the last bit
        as a scan of the columns gives a row of the same vector. None that has nothing in this space."""
        scores = self.scores(space, vector)[slots]
        places = np.flatnonzero(scores >= max(least - ROUNDING, _NOTHING))
        slots, scores = slots[places], scores[places]
        if space != PASSAGES:
            scores = one_by_one(self.vectors(space)[slots], vector)
        enough = scores >= least
        return slots[enough], scores[enough]

    def titled(self, key: str) -> list[int]:
        """The slots of rows of this title, in the form in which names are compared."""
        return self._titled.get(key, [])

    def named(self, key: str) -> list[int]:
        """The slots of rows that have a creator of this name."""
        return self._named.get(key, [])

    def words(self) -> SparseRows:
        """The words of all rows."""
        return self._words.rows()

    def vectors(self, space: str) -> Vectors:
        """(len, dims) of a named space."""
        return self._vectors[space][: len(self.payloads)]
