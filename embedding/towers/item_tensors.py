"""Encoded items as tensors on a device, and some of them picked out for a batch.

Shapes: U items, E dims of a text vector.
"""

import torch
from msgspec import Struct
from torch import Tensor

from embedding.towers.encoded_items import EncodedItems
from embedding.towers.ragged import expand_ranges


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
