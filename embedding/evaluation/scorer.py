"""What a scorer is: whatever scores all candidates of a task for its users, towers and baselines alike.

Shapes: Q users, N candidates.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


class Scorer(Protocol):
    """Anything that scores all candidates of a task for some of its users; higher is better."""

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) for users `first` to `last` (exclusive) of the task, as a fresh array."""
