"""Hard negatives: of random items, those that the towers score highest although the user did not like them.

After Zhang et al., "Optimizing top-N collaborative filtering via dynamic negative item sampling", SIGIR 2013:
the best ranked of a few that were drawn, which are the harder the more are drawn.

Shapes: B pairs of a batch, M hard negatives of each pair, G items of a group, P items of all groups, D dims.
"""

import math

import torch
from torch import Tensor

from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.item_tensors import ItemTensors

# Each is the nearest of this many random items, so that a step costs the same in a catalogue of any size. Of
# 60,000 items it is the 120th in the mean, near enough to be hard and mostly too far to be a held-out positive.
_GROUP = 500


class HardNegatives:
    """Scores random items with the current weights: an index of an earlier step would be out of date."""

    def __init__(self, items: ItemTensors, candidate: CandidateTower, counts: Tensor, num: int) -> None:
        """`counts`: liked pairs of each of `items`; items without any are never negatives. `num`: M."""
        self._items, self._candidate, self._num = items, candidate, num
        self._trained = (counts > 0).nonzero()[:, 0]
        # Of few items the same one would be the nearest of every group.
        self._group = min(_GROUP, max(1, len(self._trained) // num))

    def pool(self, generator: torch.Generator) -> Tensor:
        """Random items of a step, one group after the other: places (M * G,) among the items."""
        drawn = torch.randint(0, len(self._trained), (self._num * self._group,), generator=generator)
        return self._trained[drawn.to(self._trained.device)]

    def nearest(self, query_BD: Tensor, pool_P: Tensor, liked_BP: Tensor) -> tuple[Tensor, Tensor]:
        """For each query the nearest item of each group that its user did not like: places (B, M) among the items.

        And (B, M) which of these do not count, because the user liked the whole group.
        """
        with torch.no_grad():
            scores_BP = query_BD @ self._candidate(self._items.take(pool_P)).T
        best = scores_BP.masked_fill_(liked_BP, -math.inf).view(len(query_BD), self._num, self._group).max(dim=2)
        first_M = torch.arange(0, len(pool_P), self._group, device=pool_P.device)
        return pool_P[first_M + best.indices], best.values == -math.inf
