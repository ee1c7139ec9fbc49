"""Hard negatives: the nearest of each random group that the listener is not known to like, and what they are worth."""

import math

import numpy as np
import pytest
import torch

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.rows.schema import Item
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.vocabulary import Vocabulary
from embedding.training.hard_negatives import HardNegatives
from embedding.training.loss import in_batch_softmax

CPU = torch.device("cpu")
NUM, USERS = 40, 6


def world(num: int) -> tuple[HardNegatives, Histories, torch.Tensor]:
    """User u likes the items u, u + 1 and u + 2 of forty, and skips u + 3; nobody likes those from 8 on."""
    items = [Item(id=f"i{number}", kind="track", title="T", creator="C") for number in range(NUM)]
    vocabulary = Vocabulary.learn(items, ("id",), {})
    users = np.repeat(np.arange(USERS), 4)
    heard = np.concatenate([np.arange(user, user + 4) for user in range(USERS)])
    weights = np.tile(np.array([1, 1, 1, -1], np.float32), USERS)
    folds = np.zeros(len(users), np.uint8)
    hashes = np.arange(len(users)).astype(np.uint64)
    pairs = Pairs(users, heard, weights, np.full(len(users), np.nan), hashes, folds, folds)
    histories = Histories.of(pairs, heard, TrainConfig(), CPU)
    tensors = ItemTensors.of(vocabulary.encode(items, np.zeros((NUM, 0), np.float32)), CPU)
    torch.manual_seed(0)
    tower = CandidateTower(NUM, {}, 0, 8)
    counts = torch.ones(NUM)
    counts[8:] = 0
    with torch.no_grad():
        return HardNegatives(tensors, tower, counts, num), histories, tower(tensors)


@pytest.mark.parametrize("num", [1, 3, 8, 20])
def test_each_is_the_nearest_of_its_group_that_the_listener_is_not_known_to_like(num: int) -> None:
    hard, histories, vectors = world(num)
    pairs = torch.arange(len(histories.items_P))
    query = vectors[histories.items_P]

    pool = hard.pool(torch.Generator().manual_seed(1))
    places, none = hard.nearest(query, pool, histories.liked_among(pairs, pool))

    # Eight items in as many groups as there are negatives, of one item at least.
    assert len(pool) == num * max(1, 8 // num)
    assert set(pool.tolist()) <= set(range(8))
    assert places.shape == none.shape == (len(pairs), num)
    groups = pool.view(num, -1).tolist()
    for pair in pairs.tolist():
        user = int(histories.user_P[pair])
        for place, group in enumerate(groups):
            left = [item for item in group if item not in (user, user + 1, user + 2)]
            assert bool(none[pair, place]) == (not left)
            if left:
                assert int(places[pair, place]) == max(left, key=lambda item: float(query[pair] @ vectors[item]))


def test_where_all_that_is_trained_on_is_liked_there_is_none() -> None:
    hard, histories, vectors = world(3)
    hard._trained = torch.tensor([2])
    pairs = torch.tensor([0])

    pool = hard.pool(torch.Generator().manual_seed(1))
    _, none = hard.nearest(vectors[:1], pool, histories.liked_among(pairs, pool))

    assert none.all()


def test_their_logits_stand_beside_those_of_the_batch() -> None:
    query = candidate = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    hard = torch.tensor([[0.5, -math.inf], [-math.inf, -math.inf]])

    loss = in_batch_softmax(query, candidate, torch.tensor([1, 2]), None, 1.0, hard_BM=hard)

    # Logits 1, 0 and .5; 1 and 0.
    first = math.log(math.e + 1 + math.exp(0.5)) - 1
    second = math.log(math.e + 1) - 1
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-6)
