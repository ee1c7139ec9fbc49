"""The candidate tower: how an item's features become a candidate vector.

Shapes: U items, D dims of a vector, E dims of a text vector.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedding.towers.features import BAGS, UNKNOWN
from embedding.towers.item_tensors import ItemTensors

# Standard deviation of fresh embeddings: a sum of a few has a length near one at 64 dims.
INIT_STD = 0.1


class CandidateTower(nn.Module):
    """An item's vector: the sum of its features' embeddings, scaled to length one.

    Creators and albums add the mean of their embeddings, n tags the sum of theirs over the root of n (each is evidence
    of its own, as listens are in a history), the text vector a linear map of itself. An id not seen in training, or
    hidden by dropout, adds the embedding of "unknown"; a missing value adds nothing.
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
        """Unit vectors (U, D) of `items`; the ids of those in `hidden_U` (U,) count as unknown."""
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
            sum_UD = sum_UD + items.text_UE.to(self.text.dtype) @ self.text
        return F.normalize(sum_UD, dim=1)


def cut(vectors_UD: Tensor, dims: int) -> Tensor:
    """The first `dims` of candidate vectors, scaled to length one again."""
    return vectors_UD if vectors_UD.shape[1] == dims else F.normalize(vectors_UD[:, :dims], dim=1)
