"""The one formula of `hybrid`: what its parts are, told apart from the product, and how it orders them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from embedding.text.encoder_folder import find_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from service.app import create_app
from service.main import open_dependencies
from service.ranking.hybrid_score import centred, hybrid_scores
from service.schemas.settings import Settings

TEXT = "an evening of jazz with soup"
finite = st.floats(-1e3, 1e3)
share = st.floats(0, 1)


@given(st.lists(st.tuples(finite, share), min_size=2, max_size=20))
def test_what_is_no_worse_in_either_part_scores_no_less(rows: list[tuple[float, float]]) -> None:
    meaning, words = (np.array(part) for part in zip(*rows, strict=True))
    scores = hybrid_scores(meaning, words)
    assert (scores > 0).all()
    assert (scores < 1).all()
    for one in range(len(rows)):
        no_better = (meaning <= meaning[one]) & (words <= words[one])
        assert (scores[no_better] <= scores[one]).all()


@given(st.integers(0, 2**32 - 1))
def test_a_row_that_is_near_to_everything_loses_by_it_and_a_vector_stays_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(40, 8)) + draw.normal(size=8)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    mean = vectors.mean(axis=0)
    compared = centred(vectors[0], mean)
    assert np.linalg.norm(compared) == pytest.approx(1, abs=1e-6)
    # In the order of nearness less half of how near each is to the mean.
    expected = vectors @ vectors[0] - 0.5 * (vectors @ mean)
    np.testing.assert_allclose(vectors @ compared * np.linalg.norm(vectors[0] - 0.5 * mean), expected, atol=1e-5)


def test_its_parts_are_what_the_columns_tell(tower_world: Path) -> None:
    parts = open_dependencies(Settings(data_dir=tower_world, default_market="SE", encoder_wait_s=50))
    with TestClient(create_app(parts)) as client:

        def asked(mode: str) -> dict[str, dict[str, object]]:
            body = {"text": TEXT, "mode": mode, "explain": True, "limit": 20, "kinds": ["track", "episode"]}
            return {hit["id"]: hit for hit in client.post("/v1/search", json=body).json()["hits"]}

        joined, by_words = asked("hybrid"), asked("lexical")
    columns = parts.live.release.columns
    vectors = np.asarray(columns.vectors("text"))
    (query,) = SentenceEncoder.load(find_encoder(None)).encode([TEXT])
    near = vectors @ query - 0.5 * (vectors @ vectors.mean(axis=0))
    standard = (near - near.mean()) / near.std()
    assert joined.keys() & by_words.keys()
    for id, hit in joined.items():
        told = hit["explain"]["hybrid"]  # type: ignore[index]
        assert told["meaning"] == pytest.approx(standard[columns.ids.find(id)], abs=0.01)
        assert told["called"] == 0
        if id in by_words:
            assert told["words"] == pytest.approx(by_words[id]["score"], abs=1e-5)
