"""A skewed planted world, and how near to its truth plain tables come that learn by each objective.

Listeners of ten tastes hear items by taste and, within it, by a popularity that falls as a power law. The same plain
tables learn from the same batches, with the softmax over the whole catalogue too; what was planted says what is right.
"""

import torch
import torch.nn.functional as F
from msgspec import Struct
from torch import Tensor

from embedding.training.loss import in_batch_softmax, log_sampling_probability

TASTES = 10
ITEMS = 500
# The share of a listener's pairs that are of their own taste.
OWN_SHARE = 0.7
# The most heard item of a taste has fifty times as many pairs as its last.
SKEW = 1.0
PAIRS = 12_000
DIMS = 16
TEMPERATURE = 0.1
BATCH = 384
EPOCHS = 8
LEARNING_RATE = 0.05
K = 20
# By how much log q is multiplied before it is subtracted; None for the softmax over the whole catalogue.
OBJECTIVES: dict[str, float | None] = {
    "full softmax": None,
    "with logQ": 1.0,
    "without logQ": 0.0,
    "sign reversed": -1.0,
}


class World(Struct, frozen=True):
    """`probability_TN`: how likely a pair of a listener of each taste is about each item; pairs drawn from it."""

    probability_TN: Tensor
    tastes_P: Tensor
    items_P: Tensor


class Outcome(Struct, frozen=True):
    """How near to the truth it came, each a mean over tastes.

    `recall`: share of a taste's pairs that its top K hold, over the most that K items can hold; `divergence`: KL of the
    learnt softmax from the planted probabilities, nats; `popularity`: how often the items of the top K are heard, as
    multiples of the mean item.
    """

    recall: float
    divergence: float
    popularity: float


def make_world(seed: int = 0) -> World:
    """A skewed world whose truth is known."""
    generator = torch.Generator().manual_seed(seed)
    taste_N = torch.arange(ITEMS) % TASTES
    popularity_N = (torch.arange(ITEMS) // TASTES + 1.0) ** -SKEW
    own_TN = F.one_hot(taste_N).T * popularity_N
    probability_TN = OWN_SHARE * own_TN / own_TN.sum(1, keepdim=True)
    probability_TN += (1 - OWN_SHARE) * popularity_N / popularity_N.sum()
    tastes_P = torch.randint(TASTES, (PAIRS,), generator=generator)
    items_P = torch.multinomial(probability_TN, PAIRS // TASTES * 2, replacement=True, generator=generator)
    draws_P = torch.arange(PAIRS) % items_P.shape[1]
    return World(probability_TN, tastes_P, items_P[tastes_P, draws_P])


def learn(world: World, sign: float | None, seed: int = 0) -> Outcome:
    """Train with `sign` times log q subtracted, or by the full softmax, and hold the result against the truth."""
    generator = torch.Generator().manual_seed(seed)
    queries, items = (torch.nn.Parameter(torch.randn(size, DIMS, generator=generator)) for size in (TASTES, ITEMS))
    log_q_N = log_sampling_probability(torch.bincount(world.items_P, minlength=ITEMS).float())
    optimiser = torch.optim.Adam([queries, items], lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for batch_B in torch.split(torch.randperm(PAIRS, generator=generator), BATCH):
            query_BD, items_B = F.normalize(queries, dim=1)[world.tastes_P[batch_B]], world.items_P[batch_B]
            items_ND = F.normalize(items, dim=1)
            loss = (
                F.cross_entropy(query_BD @ items_ND.T / TEMPERATURE, items_B)
                if sign is None
                else in_batch_softmax(query_BD, items_ND[items_B], items_B, sign * log_q_N[items_B], TEMPERATURE)
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        return _judge(world, F.normalize(queries, dim=1) @ F.normalize(items, dim=1).T / TEMPERATURE, log_q_N)


def _judge(world: World, logits_TN: Tensor, log_q_N: Tensor) -> Outcome:
    truth_TN = world.probability_TN
    top_TK = logits_TN.topk(K).indices
    held = truth_TN.gather(1, top_TK).sum(1) / truth_TN.topk(K).values.sum(1)
    divergence = (truth_TN * (truth_TN.log() - logits_TN.log_softmax(1))).sum(1)
    return Outcome(float(held.mean()), float(divergence.mean()), float(log_q_N.exp()[top_TK].mean() * ITEMS))
