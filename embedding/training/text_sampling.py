"""Which text stands for the item of a training pair, and which other items of the batch it would find as well.

Shapes: B pairs of a batch, T distinct texts, E dims of a text vector.
"""

import torch
from msgspec import Struct
from torch import Tensor

from embedding.data.membership import Membership
from embedding.towers.ragged import expand_ranges
from embedding.training.query_texts import QueryTexts


class TextSampler(Struct, frozen=True):
    """`QueryTexts` on a device: item n has the texts `flat[offsets[n] : offsets[n + 1]]`, one at least."""

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

    def draw(self, items_B: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """One text of each item, all of an item as likely: (B, E); and (B, B), which item of a column has it too."""
        starts_B = self.offsets[items_B]
        lengths_B = self.offsets[items_B + 1] - starts_B
        random_B = torch.rand(len(items_B), generator=generator).to(items_B.device)
        text_B = self.flat[starts_B + (random_B * lengths_B).long()]
        places, _ = expand_ranges(starts_B, lengths_B)
        return self.vectors_TE[text_B], self.membership.holding(self.flat[places], lengths_B, text_B).T
