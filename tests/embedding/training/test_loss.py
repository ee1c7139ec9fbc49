"""The objective against hand-worked numbers, and its gradient against the full softmax."""

import math
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from embedding.training.loss import in_batch_softmax, log_sampling_probability

# Two queries and two candidates with cosines .6 / .8 and 0 / 1.
QUERY = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
CANDIDATE = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
ITEMS = torch.tensor([7, 9])


def softmax_loss(*logits: float) -> float:
    """Cross entropy of the first logit."""
    return -logits[0] + math.log(sum(math.exp(value) for value in logits))


def test_temperature_divides_and_log_q_is_subtracted_afterwards() -> None:
    log_q = torch.tensor([math.log(0.75), math.log(0.25)])

    loss = in_batch_softmax(QUERY, CANDIDATE, ITEMS, log_q, temperature=0.5)

    first = softmax_loss(1.2 - math.log(0.75), 0.0 - math.log(0.25))
    second = softmax_loss(2.0 - math.log(0.25), 1.6 - math.log(0.75))
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-6)
    # Worked by hand: logits 1.48768 and 1.38629; 3.38629 and 1.88768; log(1 + exp(-difference)) of each.
    assert loss.item() == pytest.approx((0.64373 + 0.20167) / 2, abs=2e-5)


def test_without_log_q_it_is_the_plain_softmax() -> None:
    loss = in_batch_softmax(QUERY, CANDIDATE, ITEMS, None, temperature=1.0)

    assert loss.item() == pytest.approx((softmax_loss(0.6, 0.0) + softmax_loss(1.0, 0.8)) / 2, rel=1e-6)


def test_the_same_item_in_another_column_is_no_negative() -> None:
    query, candidate = QUERY[[0, 0, 1]], CANDIDATE[[0, 0, 1]]

    loss = in_batch_softmax(query, candidate, torch.tensor([7, 7, 9]), None, temperature=1.0)

    assert loss.item() == pytest.approx((2 * softmax_loss(0.6, 0.0) + softmax_loss(1.0, 0.8, 0.8)) / 3, rel=1e-6)


def test_what_the_listener_liked_is_no_negative_and_the_own_item_stays() -> None:
    heard = torch.tensor([[True, True], [False, False]])

    loss = in_batch_softmax(QUERY, CANDIDATE, ITEMS, None, temperature=1.0, positive_BB=heard)

    assert loss.item() == pytest.approx((0.0 + softmax_loss(1.0, 0.8)) / 2, rel=1e-6)


def test_sampling_probability_is_the_share_of_pairs() -> None:
    log_q = log_sampling_probability(torch.tensor([3.0, 1.0, 0.0]))

    assert log_q.tolist() == pytest.approx([math.log(0.75), math.log(0.25), -math.inf])


def push(sign: float, batch: int, num_batches: int = 8) -> tuple[Tensor, Tensor]:
    """How hard the loss pushes each item away over skewed batches, and how hard the full softmax does.

    `sign`: +1 subtracts log q, 0 leaves it out, -1 adds it. The pull on the positives is the same in all and left out.
    """
    num_items, dims, temperature = 200, 8, 0.5
    generator = torch.Generator().manual_seed(5)
    items_ND = F.normalize(torch.randn(num_items, dims, generator=generator), dim=1)
    # The most popular item has 4 % of the pairs, the least 0.25 %. Much more would show the bias of masking accidental
    # hits: an item is never pushed away from its own pairs.
    counts = torch.arange(1, num_items + 1) ** -0.5
    log_q = log_sampling_probability(counts)
    sampled, full = torch.zeros(num_items), torch.zeros(num_items)
    for _ in range(num_batches):
        query_BD = F.normalize(torch.randn(batch, dims, generator=generator), dim=1)
        rows = torch.multinomial(counts, batch, replacement=True, generator=generator)
        # The gradient of a bias on each item is its softmax share less one where it is the positive.
        bias = torch.zeros(num_items, requires_grad=True)
        one = torch.cat((query_BD, torch.ones(batch, 1)), dim=1)
        table = torch.cat((items_ND, bias[:, None] * temperature), dim=1)
        in_batch_softmax(one, table[rows], rows, sign * log_q[rows], temperature).backward()  # type: ignore[no-untyped-call]
        exact = torch.zeros(num_items, requires_grad=True)
        F.cross_entropy(query_BD @ items_ND.T / temperature + exact, rows).backward()  # type: ignore[no-untyped-call]
        assert bias.grad is not None
        assert exact.grad is not None
        positives = torch.bincount(rows, minlength=num_items) / batch
        sampled += (bias.grad + positives) / num_batches
        full += (exact.grad + positives) / num_batches
    return sampled, full


@cache
def error(sign: float, batch: int = 1_024) -> float:
    """Distance of the two, as a share of the full softmax's."""
    sampled, full = push(sign, batch)
    return float((sampled - full).abs().sum() / full.abs().sum())


def test_with_log_q_the_gradient_nears_that_of_the_full_softmax() -> None:
    small, large = error(1.0, batch=128), error(1.0)

    assert large < 0.15
    assert large < small / 2


def test_without_log_q_or_with_its_sign_reversed_the_gradient_is_far_off() -> None:
    corrected = error(1.0)

    assert error(0.0) > 3 * corrected
    assert error(-1.0) > error(0.0)
    assert error(-1.0) > 1.0
