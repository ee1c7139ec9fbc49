"""What the two towers compute, against the same sums worked out one by one."""

import numpy as np
import torch
from torch.nn.functional import normalize

from embedding.data.train_config import ALL_FEATURES
from embedding.rows.schema import Item
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import HistoryTensors, QueryTower
from embedding.towers.vocabulary import Vocabulary

ITEMS = [
    Item(id="a", kind="track", title="A", creator="x", tags=("s", "t"), duration_s=5.0),
    Item(id="b", kind="track", title="B", creator="y", tags=("s",), language="en"),
    Item(id="new", kind="track", title="N", creator="z"),
]
TEXT = np.eye(3, 7, dtype=np.float32)


def tower() -> tuple[CandidateTower, Vocabulary, ItemTensors]:
    torch.manual_seed(0)
    vocabulary = Vocabulary.learn(ITEMS[:2], ALL_FEATURES, {})
    candidate = CandidateTower(vocabulary.num_ids, vocabulary.table_sizes(), 7, 4)
    return candidate, vocabulary, ItemTensors.of(vocabulary.encode(ITEMS, TEXT), torch.device("cpu"))


def test_a_candidate_is_the_sum_of_its_features_at_length_one() -> None:
    candidate, _, items = tower()

    with torch.no_grad():
        vectors = candidate(items)
        tables = candidate.tables
        # Values are sorted: creators x, y; tags s, t; the only duration is the first bound.
        expected = (
            candidate.ids[1]
            + tables["creators"][0 + 1]
            + (tables["tags"][1] + tables["tags"][2]) / 2**0.5
            + tables["kind"][1]
            + tables["duration_s"][1]
            + candidate.text[0]
        )
        fresh = candidate.ids[0] + tables["kind"][1] + candidate.text[2]

    torch.testing.assert_close(vectors[0], normalize(expected, dim=0))
    torch.testing.assert_close(vectors[2], normalize(fresh, dim=0))


def test_a_hidden_id_is_an_unknown_one() -> None:
    candidate, vocabulary, items = tower()
    renamed = Item(id="other", kind="track", title="A", creator="x", tags=("s", "t"), duration_s=5.0)
    unknown = ItemTensors.of(vocabulary.encode([renamed], TEXT[:1]), torch.device("cpu"))

    with torch.no_grad():
        hidden = candidate(items, torch.tensor([True, False, False]))

        torch.testing.assert_close(hidden[0], candidate(unknown)[0])
        torch.testing.assert_close(hidden[1:], candidate(items)[1:])


def test_items_taken_in_any_order_have_their_own_vectors() -> None:
    candidate, _, items = tower()
    places = torch.tensor([2, 0, 1, 0])

    with torch.no_grad():
        torch.testing.assert_close(candidate(items.take(places)), candidate(items)[places])


def test_a_query_adds_weighted_history_start_and_hour() -> None:
    torch.manual_seed(1)
    query = QueryTower(4)
    with torch.no_grad():
        query.hours.normal_()
        heard = normalize(torch.randn(3, 4), dim=1)
        history = HistoryTensors(
            torch.tensor([0, 1, 2]), torch.tensor([0, 3, 3]), torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0, 24])
        )

        vectors = query(heard, history)

        pooled = (heard[0] + 2 * heard[1] - heard[2]) / 4**0.5
        torch.testing.assert_close(vectors[0], normalize(pooled + query.start, dim=0))
        torch.testing.assert_close(vectors[1], normalize(query.start + query.hours[24], dim=0))


def test_sparse_and_dense_gradients_are_the_same() -> None:
    candidate, _, items = tower()
    gradients = []
    for sparse in (False, True):
        candidate.sparse = sparse
        candidate.zero_grad()
        candidate(items)[:, 0].sum().backward()
        gradients.append([table.grad.to_dense() for table in candidate.large_tables() if table.grad is not None])

    assert len(gradients[0]) == len(gradients[1]) == 4
    for dense, sparse_gradient in zip(*gradients, strict=True):
        torch.testing.assert_close(dense, sparse_gradient)
