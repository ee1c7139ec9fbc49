"""The score of a row by words and meaning together: the one formula of the mode `hybrid`.

    joined = meaning + 8 * words        score = .5 + .5 * joined / (10 + |joined|)

`meaning`: how many standard deviations nearer the row is to the text than the rows of the release are on the whole.
`words`: the part (0 to 1) of the text's weight of words that the row reaches, and so how sure the words are: many of
them and rare ones count much, a stray one little. A convex combination by bounds that hold for any text, in place of
those that its hits happen to have, is the fusion that Bruch, Gai & Ingber found best and least in need of tuning ("An
analysis of fusion functions for hybrid retrieval", ACM TOIS 42, 2023); ours is one up to its scale.

Nearness is measured from half of the mean of all rows: rows that are near to whatever is asked, hubs, win less by
that alone (Suzuki, Hara, Shimbo, Saerens & Fukumizu, "Centering similarity measures to reduce hubs", EMNLP 2013).

8 and a half were chosen on the shows that `nearfield adapt` trains on, and measured on the others
(docs/decisions/2026-12-01-one-hybrid.md).
"""

import numpy as np
from numpy.typing import NDArray

_WORDS = 8.0
_OF_THE_MEAN = 0.5
# A joined score of this stands half way between the average row and the highest score there is.
_HALF_WAY = 10.0


def centred(vector: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """The unit vector (dims,) by which rows are compared with a text of unit `vector`; `mean` is that of all rows."""
    moved = vector - _OF_THE_MEAN * mean
    norm = float(np.linalg.norm(moved))
    # The mean of unit vectors is no longer than they are, so that half of it leaves something.
    return (moved / norm).astype(np.float32)


def hybrid_scores(meaning: NDArray[np.float64], words: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) between 0 and 1, by standard scores of meaning and by parts of the text's weight of words, each (R,)."""
    joined = meaning + _WORDS * words
    return 0.5 + 0.5 * joined / (_HALF_WAY + np.abs(joined))
