"""Listening histories: which items of a user the query tower reads, for a training pair and for a request.

Shapes: P pairs, U users, B queries, H history entries of all queries together.
"""

from typing import Any

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor

from embedding.data.membership import Membership
from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.towers.query_tower import HistoryTensors, history_weights, hours_of
from embedding.towers.ragged import expand_ranges

DAY_S = 86_400
_MOST_LOOKED_AT = 1 << 19


class Histories(Struct, frozen=True):
    """All pairs grouped by user, each user's from oldest to newest; pairs without a time come first, as they were read.

    `users` (U,): rows of the users, ascending; `offsets_U`: user u has the pairs `offsets_U[u] : offsets_U[u + 1]`.
    Of each pair: `user_P`: place in `users`; `items_P`: place of its item among the candidates; `weights_P`: as the
    query tower takes them; `hours_P`: hour of the day + 1, 0 where not known; `liked_P`: the items, none for a skip.
    """

    users: NDArray[np.int64]
    offsets_U: Tensor
    user_P: Tensor
    items_P: Tensor
    weights_P: Tensor
    hours_P: Tensor
    liked_P: Tensor
    membership: Membership

    @classmethod
    def of(cls, pairs: Pairs, places: NDArray[np.int64], config: TrainConfig, device: torch.device) -> "Histories":
        """The histories in `pairs`; `places` (P,) says where each pair's item stands among the candidates."""
        order = np.lexsort((np.nan_to_num(pairs.at_s, nan=-np.inf), pairs.users))
        users, user_of_pair, lengths = np.unique(pairs.users[order], return_inverse=True, return_counts=True)
        at_s = pairs.at_s[order] if has_times_of_day(pairs.at_s) else np.full(len(pairs), np.nan)

        def tensor(values: NDArray[Any]) -> Tensor:
            return torch.from_numpy(values).to(device)

        membership = Membership(int(places.max(initial=-1)) + 1, device)
        return cls(
            users,
            tensor(np.concatenate(([0], np.cumsum(lengths)))),
            tensor(user_of_pair),
            tensor(places[order]),
            history_weights(tensor(pairs.weights[order]), config),
            hours_of(tensor(at_s)),
            tensor(np.where(pairs.positive[order], places[order], membership.none)),
            membership,
        )

    def liked(self) -> Tensor:
        """Places (in P) of the pairs that are no skips."""
        return (self.weights_P > 0).nonzero()[:, 0]

    def liked_among(self, pairs_B: Tensor, items_C: Tensor) -> Tensor:
        """(B, C): whether the user of a row's pair liked the item of a column, in any of their pairs.

        At most half a million pairs are looked at, so that long histories do not slow down a step: of a longer one,
        only a run around the user's pair in the batch.
        """
        users, row_B = torch.unique(self.user_P[pairs_B], return_inverse=True)
        starts, ends = self.offsets_U[users], self.offsets_U[users + 1]
        lengths = ends - starts
        if int(lengths.sum()) > _MOST_LOOKED_AT:
            lengths = lengths.clamp(max=_MOST_LOOKED_AT // len(users))
        among = torch.full_like(users, len(self.user_P)).scatter_reduce(0, row_B, pairs_B, "amin")
        pairs_H, _ = expand_ranges(torch.minimum(torch.maximum(starts, among - lengths // 2), ends - lengths), lengths)
        return self.membership.holding(self.liked_P[pairs_H], lengths, items_C)[row_B]

    def around(self, pairs_B: Tensor, length: int, generator: torch.Generator) -> HistoryTensors:
        """The history of each of `pairs_B`: its user's other pairs, or a random run of `length` of them around it.

        `places_H` are places among the candidates. The run stands in for what was recent at the time of the pair.
        """
        user_B = self.user_P[pairs_B]
        starts_B, ends_B = self.offsets_U[user_B], self.offsets_U[user_B + 1]
        lengths_B = (ends_B - starts_B).clamp(max=length + 1)
        lowest_B = torch.maximum(starts_B, pairs_B - lengths_B + 1)
        highest_B = torch.minimum(pairs_B, ends_B - lengths_B)
        random_B = torch.rand(len(pairs_B), generator=generator).to(pairs_B.device)
        first_B = lowest_B + (random_B * (highest_B - lowest_B + 1)).long()
        pairs_H, offsets = expand_ranges(first_B, lengths_B)
        others_H = pairs_H != torch.repeat_interleave(pairs_B, lengths_B)
        # Each range loses exactly one entry, its own pair.
        offsets = offsets - torch.arange(len(offsets), device=offsets.device)
        pairs_H = pairs_H[others_H]
        return HistoryTensors(self.items_P[pairs_H], offsets, self.weights_P[pairs_H], self.hours_P[pairs_B])

    def newest(self, users: NDArray[np.int64], length: int) -> HistoryTensors:
        """The newest `length` items of each of `users`, none for a user without pairs; the hour is not known."""
        places = np.searchsorted(self.users, users)
        known = torch.from_numpy(np.isin(users, self.users)).to(self.offsets_U.device)
        places_B = torch.from_numpy(np.minimum(places, len(self.users) - 1)).to(self.offsets_U.device)
        ends_B = self.offsets_U[places_B + 1]
        lengths_B = (ends_B - self.offsets_U[places_B]).clamp(max=length) * known
        pairs_H, offsets = expand_ranges(ends_B - lengths_B, lengths_B)
        hours_B = torch.zeros(len(users), dtype=torch.int64, device=offsets.device)
        return HistoryTensors(self.items_P[pairs_H], offsets, self.weights_P[pairs_H], hours_B)


def has_times_of_day(at_s: NDArray[np.float64]) -> bool:
    """Whether the times say more than a date: some known time is not 00:00 UTC."""
    return bool(np.any(np.isfinite(at_s) & (np.mod(at_s, DAY_S) != 0)))
