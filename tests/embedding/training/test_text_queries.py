"""Text queries: which texts stand for an item, whom they find as well, and that the tower learns to follow them."""

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.schema import Item
from embedding.text.text_vectors import NoText
from embedding.towers.encoded_items import Bag
from embedding.towers.model import encode_rows
from embedding.towers.vocabulary import Vocabulary
from embedding.training.fit import fit
from embedding.training.query_texts import QueryTexts, encode_query_texts, texts_of
from embedding.training.text_sampling import TextSampler
from embedding.training.training_data import TrainingData

CPU, QUIET = torch.device("cpu"), Reporter("none")
GROUPS, PER_GROUP, USERS, TEXT_DIMS, NOISE = 6, 40, 480, 16, 0.05
CONFIG = TrainConfig(
    features=("id", "text"),
    dims=16,
    nested_dims=(8,),
    epochs=8,
    batch_size=128,
    text_query_weight=0.3,
)


def item(number: int, **fields: object) -> Item:
    return Item(**{"id": f"i{number}", "kind": "track", "title": f"T{number}", "creator": "C"} | fields)  # type: ignore[arg-type]


def test_an_items_texts_are_its_title_creators_and_how_its_text_begins() -> None:
    long = "One sentence of this text. " * 60
    whole = item(0, title="Show", creator="Show", creators=("Show", "Guest"), text=long)

    title, guest, begun = texts_of(whole)
    assert (title, guest) == ("Show", "Guest")
    assert long.startswith(begun)
    assert 300 < len(begun) <= 600
    assert texts_of(item(1, text="  short ")) == ("T1", "C", "short")
    assert texts_of(item(2, text=" \n ")) == ("T2", "C")


def test_a_text_is_encoded_once_whoever_is_called_so() -> None:
    batches = [[item(0), item(1, title=" c")], [item(2, title="t0 ")]]

    texts = encode_query_texts(batches, NoText(), QUIET)

    assert len(texts.vectors) == 2
    assert texts.texts.flat.tolist() == [0, 1, 1, 0, 1]
    assert texts.texts.offsets.tolist() == [0, 2, 3, 5]


def test_who_is_called_by_the_drawn_text_is_no_negative() -> None:
    # Items 0 and 2 share text 1; item 1 has text 2 alone.
    bag = Bag(np.array([0, 1, 2, 1]), np.array([0, 2, 3, 4]))
    draws = TextSampler.of(QueryTexts(np.eye(3, dtype=np.float32), bag), CPU)
    items_B = torch.tensor([0, 1, 2, 0])
    drawn = []
    for seed in range(200):
        vectors_BE, called_BB = draws.sample(items_B, torch.Generator().manual_seed(seed))
        text_B = vectors_BE.argmax(dim=1)
        drawn.append(int(text_B[0]))
        assert text_B[1:3].tolist() == [2, 1]
        assert called_BB[1].tolist() == [False, True, False, False]
        assert called_BB[2].tolist() == [True, False, True, True]
        assert called_BB[0].tolist() == [True, False, drawn[-1] == 1, True]
    # Either text of the first item, as often: 100 of 200, give or take 7.
    assert 70 < sum(drawn) < 130


def planted() -> tuple[TrainingData, Vectors, NDArray[np.int64]]:
    """Groups heard by the same users; what an item is called lies elsewhere in text space than what its row says.

    Both are a group's own direction and some noise; groups 2g and 2g + 1 are heard together. Also a text for each group
    that no item has, and the items' groups.
    """
    rng = np.random.default_rng(0)

    def near(directions: Vectors) -> Vectors:
        vectors = directions + NOISE * rng.normal(size=directions.shape)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    rows_of, called = np.linalg.qr(rng.normal(size=(TEXT_DIMS, TEXT_DIMS)))[0].T[: 2 * GROUPS].reshape(2, GROUPS, -1)
    groups = np.repeat(np.arange(GROUPS), PER_GROUP)
    items = [item(number) for number in range(len(groups))]
    vocabulary = Vocabulary.learn(items, CONFIG.features, {})
    encoded = vocabulary.encode(items, near(rows_of[groups]))
    users = np.repeat(np.arange(USERS), 8)
    world = users % (GROUPS // 2)
    heard = np.concatenate([rng.permutation(2 * PER_GROUP)[:8] for _ in range(USERS)]) + world * 2 * PER_GROUP
    zeros, folds = np.full(len(users), np.nan), np.zeros(len(users), np.uint8)
    hashes = np.arange(len(users)).astype(np.uint64)
    pairs = Pairs(users, heard, np.ones(len(users), np.float32), zeros, hashes, folds, folds)
    texts = QueryTexts(near(called[groups]), Bag(np.arange(len(groups)), np.arange(len(groups) + 1)))
    return TrainingData(vocabulary, encoded, pairs, heard, np.arange(len(groups)), None, texts), near(called), groups


def test_a_text_finds_its_group_and_then_what_is_heard_with_it() -> None:
    data, asked, groups = planted()

    trained = fit(data, CONFIG, CPU, QUIET)

    vectors = encode_rows(trained.candidate, data.items)
    for dims in (16, 8):
        cut = vectors[:, :dims] / np.linalg.norm(vectors[:, :dims], axis=1, keepdims=True)
        with torch.inference_mode():
            queries = trained.query.of_texts(torch.from_numpy(asked), dims).numpy()
        np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
        order = np.argsort(-(queries @ cut.T), axis=1)
        own = groups[order[:, :PER_GROUP]] == np.arange(GROUPS)[:, None]
        beside = groups[order[:, PER_GROUP : 2 * PER_GROUP]] // 2 == np.arange(GROUPS)[:, None] // 2
        assert own.mean() > 0.9, dims
        assert beside.mean() > 0.9, dims


def test_the_text_space_itself_does_not_know() -> None:
    data, asked, groups = planted()

    order = np.argsort(-(asked @ data.items.text.T), axis=1)

    assert (groups[order[:, :PER_GROUP]] == np.arange(GROUPS)[:, None]).mean() < 0.5


def test_without_text_queries_nothing_changes() -> None:
    data, _, _ = planted()
    config = replace(CONFIG, text_query_weight=0.0, epochs=2)
    plain = replace(data, query_texts=None)

    trained = fit(plain, config, CPU, QUIET)

    assert trained.query.text is None
    assert set(dict(trained.query.named_parameters())) == {"start", "hours"}
    with pytest.raises(AssertionError, match="learnt from texts"):
        fit(plain, CONFIG, CPU, QUIET)


def test_other_texts_are_another_run() -> None:
    data, _, _ = planted()
    texts = data.query_texts
    assert texts is not None
    other = replace(data, query_texts=QueryTexts(texts.vectors[::-1], texts.texts))

    assert len({data.fingerprint(), other.fingerprint(), replace(data, query_texts=None).fingerprint()}) == 3
