"""Membership of values in many lists at once: it finds the false negatives among the candidates of a batch.

Shapes: R lists, H entries of all of them together, B values to look up.
"""

import torch
from torch import Tensor

_ABSENT = -1


class Membership:
    """A table that is kept from batch to batch, so that a batch costs no more than the entries that it looks at."""

    def __init__(self, num_values: int, device: torch.device) -> None:
        """Values are 0 to `num_values` - 1; `num_values` itself stands for none of them."""
        self.none = num_values
        self._column = torch.full((num_values + 1,), _ABSENT, device=device)

    def holding(self, entries_H: Tensor, lengths_R: Tensor, wanted_B: Tensor) -> Tensor:
        """(R, B): whether list r, the next `lengths_R[r]` of `entries_H`, has `wanted_B[b]` among its entries."""
        targets_T, column_B = torch.unique(wanted_B, return_inverse=True)
        self._column[targets_T] = torch.arange(len(targets_T), device=targets_T.device)
        column_H = self._column[entries_H]
        self._column[targets_T] = _ABSENT
        found_H = column_H != _ABSENT
        list_H = torch.repeat_interleave(torch.arange(len(lengths_R), device=entries_H.device), lengths_R)
        held = torch.zeros(len(lengths_R), len(targets_T), dtype=torch.bool, device=entries_H.device)
        held[list_H[found_H], column_H[found_H]] = True
        return held[:, column_B]
