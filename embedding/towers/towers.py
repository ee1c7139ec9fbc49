"""The two towers: how an item becomes a candidate vector, and a history with its context, or a text, a query vector.

Shapes: B queries, U items, H history entries of all queries together, D dims of a vector, E dims of a text vector.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from msgspec import Struct
from torch import Tensor, nn

from embedding.data.train_config import TrainConfig
from embedding.towers.features import BAGS, UNKNOWN, EncodedItems

# Standard deviation of fresh embeddings: a sum of a few has a length near one at 64 dims.
INIT_STD = 0.1
HOURS_A_DAY = 24
SECONDS_AN_HOUR = 3_600


class ItemTensors(Struct, frozen=True):
    """`EncodedItems` on a device; a bag is (flat, offsets)."""

    ids_U: Tensor
    bags: dict[str, tuple[Tensor, Tensor]]
    rows: dict[str, Tensor]
    text_UE: Tensor

    @classmethod
    def of(cls, items: EncodedItems, device: torch.device) -> "ItemTensors":
        """The tensors of `items` on `device`."""
        return cls(
            torch.from_numpy(items.ids).to(device),
            {
                name: (torch.from_numpy(bag.flat).to(device), torch.from_numpy(bag.offsets).to(device))
                for name, bag in items.bags.items()
            },
            {name: torch.from_numpy(rows).to(device) for name, rows in items.rows.items()},
            torch.from_numpy(items.text).to(device),
        )

    def __len__(self) -> int:
        return len(self.ids_U)

    def take(self, places_U: Tensor) -> "ItemTensors":
        """The items in `places_U`, in that order."""
        return ItemTensors(
            self.ids_U[places_U],
            {name: _take_bag(flat, offsets, places_U) for name, (flat, offsets) in self.bags.items()},
            {name: rows[places_U] for name, rows in self.rows.items()},
            self.text_UE[places_U],
        )


def _take_bag(flat: Tensor, offsets: Tensor, places_U: Tensor) -> tuple[Tensor, Tensor]:
    places, taken = expand_ranges(offsets[places_U], offsets[places_U + 1] - offsets[places_U])
    return flat[places], taken


def expand_ranges(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """All places of the ranges [start, start + length), one range after the other, and where each begins (N + 1,)."""
    ends = lengths.cumsum(0)
    offsets = torch.cat((ends.new_zeros(1), ends))
    shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
    return shift + torch.arange(len(shift), device=shift.device), offsets


class CandidateTower(nn.Module):
    """An item's vector: the sum of its features' embeddings, scaled to length one.

    Creators and albums add the mean of their embeddings, n tags the sum of theirs over the root of n (each is evidence
    of its own, as listens are in a history), the text vector a linear map of itself. An id not seen in training, or
    hidden by dropout, adds the embedding of "unknown"; an absent value adds nothing.
    """

    def __init__(
        self, num_ids: int, table_sizes: Mapping[str, int], text_dims: int, dims: int, *, mean_of_tags: bool = False
    ) -> None:
        """`mean_of_tags`: tags add the mean of their embeddings, as they did in models of format 1."""
        super().__init__()
        self._mean_of_tags = mean_of_tags
        self.ids = nn.Parameter(torch.empty(num_ids + 1, dims))
        self.tables = nn.ParameterDict(
            {name: nn.Parameter(torch.empty(size, dims)) for name, size in sorted(table_sizes.items())}
        )
        self.text = nn.Parameter(torch.empty(text_dims, dims))
        # Gradients of the large tables hold only the rows that a step touched.
        self.sparse = False
        for weights in self.parameters():
            nn.init.normal_(weights, std=INIT_STD)

    def large_tables(self) -> list[nn.Parameter]:
        """The tables that grow with the catalogue, whose gradients are sparse when `sparse` is set."""
        return [self.ids, *(self.tables[name] for name in BAGS if name in self.tables)]

    def forward(self, items: ItemTensors, hidden_U: Tensor | None = None) -> Tensor:
        """Unit vectors (U, D) of `items`; the ids of those in `hidden_U` (U,) are not looked at."""
        ids_U = items.ids_U if hidden_U is None else items.ids_U.masked_fill(hidden_U, UNKNOWN)
        sum_UD = F.embedding(ids_U, self.ids, sparse=self.sparse)
        for name, (flat, offsets) in items.bags.items():
            bag_UD = F.embedding_bag(
                flat, self.tables[name], offsets, mode="mean", sparse=self.sparse, include_last_offset=True
            )
            if name == "tags" and not self._mean_of_tags:
                bag_UD = bag_UD * offsets.diff().sqrt()[:, None]
            sum_UD = sum_UD + bag_UD
        for name, rows_U in items.rows.items():
            known_U1 = (rows_U != UNKNOWN)[:, None]
            sum_UD = sum_UD + F.embedding(rows_U, self.tables[name]) * known_U1
        if self.text.shape[0]:
            sum_UD = sum_UD + items.text_UE @ self.text
        return F.normalize(sum_UD, dim=1)


def cut(vectors_UD: Tensor, dims: int) -> Tensor:
    """The first `dims` of candidate vectors, scaled to length one again."""
    return vectors_UD if vectors_UD.shape[1] == dims else F.normalize(vectors_UD[:, :dims], dim=1)


class HistoryTensors(Struct, frozen=True):
    """B histories: query b heard the items in `places_H[offsets[b] : offsets[b + 1]]`, with those `weights_H`.

    `hours_B`: hour of the day (UTC) + 1, or 0 where it is not known.
    """

    places_H: Tensor
    offsets: Tensor
    weights_H: Tensor
    hours_B: Tensor


class QueryTower(nn.Module):
    """A listener's vector: what they heard, where they start from, and the hour, added and scaled to length one.

    The candidate vectors heard are added up with their weights (negative for a skip) and divided by the root of
    the sum of |weight|: a longer history outweighs the learnt start vector, which alone answers for an empty one.
    A text's vector is a linear map of what the text encoder makes of it, where the tower has learnt one.
    Where candidate vectors are `cut`, so is the query: it has as many dims as they have.
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
        """`forward` for one query that heard all of `heard_HD`, without the bookkeeping of a batch: (D,)."""
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
