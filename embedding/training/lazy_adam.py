"""Lazy Adam for large tables: a step reads and writes only the rows that have a gradient."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class LazyAdam(torch.optim.Optimizer):
    """Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015) on sparse gradients.

    A row without a gradient stays as it is, its moments too: the "lazy" form of torch's SparseAdam, in a third of its
    time (`benchmarks.training_step`). Both moments of a row lie side by side, so that a step fetches them together.
    """

    def __init__(self, tables: list[torch.nn.Parameter], lr: float) -> None:
        super().__init__(tables, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move the rows that have a gradient; `closure` is not used."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    _move(table, table.grad.coalesce(), self.state[table], group["lr"])


def _move(table: Tensor, gradient: Tensor, state: dict[str, Any], rate: float) -> None:
    """Shapes: R rows with a gradient, D dims; the state's moments are (rows of the table, 2, D)."""
    if not state:
        state["step"], state["moments"] = 0, table.new_zeros(len(table), 2, table.shape[1])
    state["step"] += 1
    rows_R, gradient_RD = gradient.indices()[0], gradient.values()
    moments_R2D = state["moments"].index_select(0, rows_R)
    first_RD, second_RD = moments_R2D.unbind(1)
    first_RD.lerp_(gradient_RD, 1 - _BETA_1)
    second_RD.mul_(_BETA_2).addcmul_(gradient_RD, gradient_RD, value=1 - _BETA_2)
    state["moments"].index_copy_(0, rows_R, moments_R2D)
    unbiased = (1 - _BETA_2 ** state["step"]) ** 0.5 / (1 - _BETA_1 ** state["step"])
    moved_RD = first_RD / second_RD.sqrt().add_(_EPSILON)
    table.index_add_(0, rows_R, moved_RD, alpha=-rate * unbiased)
