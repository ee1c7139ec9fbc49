"""Adam over the rows of a gradient: against torch's own, and what it leaves alone."""

import torch
from torch import nn

from embedding.training.lazy_adam import LazyAdam


def gradients(steps: int) -> list[torch.Tensor]:
    """Sparse gradients of a (30, 4) table, some rows twice in one."""
    draw = torch.Generator().manual_seed(0)
    return [
        torch.sparse_coo_tensor(
            torch.randint(20, (1, 9), generator=draw), torch.randn(9, 4, generator=draw), (30, 4), check_invariants=True
        )
        for _ in range(steps)
    ]


def moved(optimiser: type[torch.optim.Optimizer], steps: list[torch.Tensor]) -> nn.Parameter:
    table = nn.Parameter(torch.linspace(-1, 1, 120).reshape(30, 4).clone())
    optimiser_of_table = optimiser([table], lr=0.03)  # type: ignore[call-arg]
    for gradient in steps:
        table.grad = gradient
        optimiser_of_table.step()
    return table


def test_it_moves_rows_as_sparse_adam_does() -> None:
    steps = gradients(12)

    torch.testing.assert_close(moved(LazyAdam, steps), moved(torch.optim.SparseAdam, steps), atol=1e-6, rtol=1e-6)


def test_rows_without_a_gradient_stay() -> None:
    table = moved(LazyAdam, gradients(3))

    assert torch.equal(table[20:], torch.linspace(-1, 1, 120).reshape(30, 4)[20:])


def test_its_state_goes_on_in_another() -> None:
    steps = gradients(6)
    whole = moved(LazyAdam, steps)
    table = nn.Parameter(torch.linspace(-1, 1, 120).reshape(30, 4).clone())
    first = LazyAdam([table], lr=0.03)
    for gradient in steps[:3]:
        table.grad = gradient
        first.step()
    second = LazyAdam([table], lr=0.03)
    second.load_state_dict(first.state_dict())
    for gradient in steps[3:]:
        table.grad = gradient
        second.step()

    assert torch.equal(table, whole)
