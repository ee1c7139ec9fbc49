"""Lists of different lengths in one flat tensor: the places of their entries."""

import torch
from torch import Tensor


def expand_ranges(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """All places of N ranges [start, start + length), one range after the other, and their offsets (N + 1,)."""
    ends = lengths.cumsum(0)
    offsets = torch.cat((ends.new_zeros(1), ends))
    shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
    return shift + torch.arange(len(shift), device=shift.device), offsets
