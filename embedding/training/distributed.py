"""Distributed training under torchrun: which part of a batch each process encodes, and how the parts are gathered.

Every process draws the same batches and holds the same weights; each encodes its part of a batch, and all of them
compute the loss of the whole. So any number of processes compute what one would, except for the order in which sums are
taken.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from msgspec import Struct
from torch import Tensor

# The first process reads and encodes for all; on a slow machine that takes hours.
_PATIENCE = timedelta(hours=24)


class ProcessGroup(Struct, frozen=True):
    """`rank` of this process, from 0, among `size` of them; `local_rank`: among those of this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process prints and writes for all of them."""
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Which of this machine's devices of that type is this process's."""
        return torch.device("cuda", self.local_rank) if device.type == "cuda" else device

    def part(self, length: int) -> tuple[int, int]:
        """Which of `length` rows are this process's: from, to (exclusive)."""
        return length * self.rank // self.size, length * (self.rank + 1) // self.size

    def gather(self, part: Tensor) -> Tensor:
        """The rows of all processes, in the order of their ranks; each process gets the gradient of its own rows.

        The gradient is `size` times as large, so that the mean over processes (`average_gradients`) is the sum over
        rows that were split, and the value itself for what every process computes alike.
        """
        rows: Tensor = _Gather.apply(part, self)  # type: ignore[no-untyped-call]
        return rows

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by its mean over all processes; a sparse one stays sparse."""
        if self.size == 1:
            return
        for weights in parameters:
            gradient = torch.zeros_like(weights) if weights.grad is None else weights.grad
            if gradient.is_sparse:
                gradient = gradient.coalesce()
                rows, values = self._all_rows(gradient.indices()[0]), self._all_rows(gradient.values())
                weights.grad = torch.sparse_coo_tensor(rows[None], values / self.size, gradient.shape).coalesce()
            else:
                dist.all_reduce(gradient)
                weights.grad = gradient / self.size

    def broadcast(self, value: float) -> float:
        """The first process's `value`, so that no two processes decide differently because of a last bit."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.size > 1:
            dist.barrier()

    def _all_rows(self, part: Tensor) -> Tensor:
        lengths = [torch.zeros(1, dtype=torch.int64, device=part.device) for _ in range(self.size)]
        dist.all_gather(lengths, torch.tensor([len(part)], device=part.device))
        longest = int(max(lengths))
        padded = torch.cat((part, part.new_zeros(longest - len(part), *part.shape[1:])))
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded.contiguous())
        return torch.cat([rows[: int(length)] for rows, length in zip(parts, lengths, strict=True)])


SINGLE_PROCESS = ProcessGroup()


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, part: Tensor, group: ProcessGroup) -> Tensor:
        rows = group._all_rows(part)
        context.group, context.first, context.length = group, group.part(len(rows))[0], len(part)
        return rows

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        own = gradient[context.first : context.first + context.length]
        return own * context.group.size, None


@contextmanager
def joined_process_group(device_type: str) -> Iterator[ProcessGroup]:
    """The processes that torchrun started, joined by NCCL on GPUs and gloo elsewhere; one alone without torchrun."""
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield SINGLE_PROCESS
        return
    dist.init_process_group("nccl" if device_type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), dist.get_node_local_rank())
    finally:
        dist.destroy_process_group()
