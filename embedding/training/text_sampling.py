"""Sampling of query texts: one text of each item of a batch, and which other items have the same text.

Shapes: B pairs of a batch, T distinct texts, E dims of a text vector.
"""

import torch
from msgspec import Struct
from torch import Tensor

from embedding.data.membership import Membership
from embedding.towers.ragged import expand_ranges
from embedding.training.query_texts import QueryTexts


class TextSampler(Struct, frozen=True):
    """`QueryTexts` on a device: item n has the texts `flat[offsets[n] : offsets[n + 1]]`, at least one."""

    vectors_TE: Tensor
    flat: Tensor
    offsets: Tensor
    membership: Membership

    @classmethod
    def of(cls, texts: QueryTexts, device: torch.device) -> "TextSampler":
        """The tensors of `texts` on `device`."""
        vectors, flat, offsets = (
            torch.from_numpy(part).to(device) for part in (texts.vectors, texts.texts.flat, texts.texts.offsets)
        )
        return cls(vectors, flat, offsets, Membership(len(vectors), device))

    def sample(self, items_B: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Vectors (B, E) of one text of each item, and (B, B) whether the item of a column has the text of a row."""
        starts_B = self.offsets[items_B]
        lengths_B = self.offsets[items_B + 1] - starts_B
        random_B = torch.rand(len(items_B), generator=generator).to(items_B.device)
        text_B = self.flat[starts_B + (random_B * lengths_B).long()]
        places, _ = expand_ranges(starts_B, lengths_B)
        return self.vectors_TE[text_B], self.membership.holding(self.flat[places], lengths_B, text_B).T
