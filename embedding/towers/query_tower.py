"""The query tower: how a listening history with its hour, or a text, becomes a query vector.

Shapes: B queries, U items, H history entries of all queries together, D dims of a vector, E dims of a text vector.
"""

import torch
import torch.nn.functional as F
from msgspec import Struct
from torch import Tensor, nn

from embedding.data.train_config import TrainConfig
from embedding.towers.candidate_tower import INIT_STD
from embedding.towers.features import UNKNOWN

HOURS_A_DAY = 24
SECONDS_AN_HOUR = 3_600


class HistoryTensors(Struct, frozen=True):
    """B histories: query b heard the items in `places_H[offsets[b] : offsets[b + 1]]`, with `weights_H`.

    `hours_B`: hour of the day (UTC) + 1, or 0 where it is not known.
    """

    places_H: Tensor
    offsets: Tensor
    weights_H: Tensor
    hours_B: Tensor


class QueryTower(nn.Module):
    """A user's vector: history, a learnt start vector and the hour, added and scaled to length one.

    The candidate vectors heard are added up with their weights (negative for a skip) and divided by the root of
    the sum of |weight|: a longer history outweighs the learnt start vector, which alone answers for an empty one.
    A text's vector is a linear map of its vector from the text encoder, where the tower has learnt one.
    Where candidate vectors are `cut`, so is the query: it gets the same number of dims.
    """

    def __init__(self, dims: int, text_dims: int = 0) -> None:
        """`text_dims`: E of the texts that it reads; 0 for a tower that reads none."""
        super().__init__()
        self.start = nn.Parameter(torch.empty(dims))
        self.hours = nn.Parameter(torch.zeros(HOURS_A_DAY + 1, dims))
        nn.init.normal_(self.start, std=INIT_STD)
        self.text = nn.Parameter(torch.empty(text_dims, dims)) if text_dims else None
        if self.text is not None:
            nn.init.normal_(self.text, std=INIT_STD)

    def forward(self, heard_UD: Tensor, history: HistoryTensors) -> Tensor:
        """Unit vectors (B, D) of the queries whose histories point into the candidate vectors `heard_UD`."""
        dims = heard_UD.shape[1]
        pooled_BD = F.embedding_bag(
            history.places_H,
            heard_UD,
            history.offsets,
            mode="sum",
            per_sample_weights=history.weights_H,
            include_last_offset=True,
        )
        mass_B1 = _segment_sums(history.weights_H.abs(), history.offsets)[:, None]
        known_B1 = (history.hours_B != UNKNOWN)[:, None]
        return self._combine(pooled_BD, mass_B1, F.embedding(history.hours_B, self.hours[:, :dims]) * known_B1)

    def of_texts(self, text_BE: Tensor, dims: int) -> Tensor:
        """Unit vectors (B, dims) of texts. Only for a tower that reads them."""
        assert self.text is not None, "this query tower has learnt no texts"
        return F.normalize(text_BE @ self.text[:, :dims], dim=1)

    def one(self, heard_HD: Tensor, weights_H: Tensor, hour: int) -> Tensor:
        """`forward` for one query that heard all of `heard_HD`: (D,)."""
        mass = weights_H.abs().sum()
        return self._combine(weights_H @ heard_HD, mass, self.hours[hour] if hour != UNKNOWN else None)

    def _combine(self, pooled: Tensor, mass: Tensor, hour: Tensor | None) -> Tensor:
        total = pooled / mass.clamp(min=1.0).sqrt() + self.start[: pooled.shape[-1]]
        return F.normalize(total if hour is None else total + hour, dim=-1)


def _segment_sums(values_H: Tensor, offsets: Tensor) -> Tensor:
    sums = torch.cat((values_H.new_zeros(1), values_H.cumsum(0)))
    return sums[offsets[1:]] - sums[offsets[:-1]]


def hours_of(at_s: Tensor) -> Tensor:
    """Rows of the hour table for epoch seconds; NaN, a time not known, gives 0."""
    known = ~at_s.isnan()
    hours = torch.nan_to_num(at_s).div(SECONDS_AN_HOUR, rounding_mode="floor").remainder(HOURS_A_DAY)
    return torch.where(known, hours.long() + 1, UNKNOWN)


def hour_of(at_s: float | None) -> int:
    """`hours_of` for one time; None, a time not known, gives 0."""
    return UNKNOWN if at_s is None else int(at_s // SECONDS_AN_HOUR % HOURS_A_DAY) + 1


def history_weights(weights: Tensor, config: TrainConfig) -> Tensor:
    """How much each row of a history counts: its sign, times log2(1 + |weight|) where the config says so."""
    signs = weights.sign()
    return signs * torch.log2(1 + weights.abs()) if config.history_weights == "log" else signs
