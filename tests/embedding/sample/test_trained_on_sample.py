"""The proofs that the towers are no toy: the default config on the made-up catalogue, whose truth is planted."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.runs.evaluate import EvaluateReport, EvaluateRequest, run_evaluation
from embedding.sample.sample import Sample, make_sample
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder
from embedding.text.text_vectors import open_text_vectors
from embedding.towers.model import Towers
from service.run_command import CATALOGUE, INTERACTIONS, MEASURED
from tests.running_sample import RunningSample

QUIET = Reporter("none")


class Trained(NamedTuple):
    """The sample, the model of the common split, its evaluation, and a tower vector for each item."""

    sample: Sample
    tastes: NDArray[np.str_]
    towers: Towers
    evaluated: EvaluateReport
    vectors: Vectors


@pytest.fixture(scope="module")
def trained(running_sample: RunningSample) -> Trained:
    """What `nearfield run` made with the default config."""
    running_sample.measured()
    folder = running_sample.folder
    settings = EmbeddingSettings(data_dir=folder / ".nearfield")
    sample = make_sample()
    request = EvaluateRequest(model=folder / MEASURED, catalogue=folder / CATALOGUE, interactions=folder / INTERACTIONS)
    evaluated = run_evaluation(request, settings, load_encoder, QUIET)
    towers = Towers.load(folder / MEASURED)
    with open_text_vectors(settings, load_encoder, wanted=True) as texts:
        vectors = towers.encode_items(sample.items, texts(sample.items, lambda _: None))
    tastes = np.array([sample.taste_of[item.id] for item in sample.items])
    return Trained(sample, tastes, towers, evaluated, vectors)


def nearest(vectors: Vectors, query: Vectors, without: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    scores = vectors @ query
    scores[without] = -np.inf
    return np.argsort(-scores)[:k]


def test_towers_find_three_times_what_popularity_finds(trained: Trained) -> None:
    towers, popularity = trained.evaluated.metrics, trained.evaluated.baselines["popularity"]

    assert trained.towers.manifest.config == TrainConfig()
    assert towers["recall@20"] >= 3 * popularity["recall@20"]
    assert towers["recall@20"] > 0.3
    assert towers["ndcg@20"] >= 3 * popularity["ndcg@20"]


def test_an_item_that_nobody_heard_reaches_its_planted_neighbours_by_text(trained: Trained) -> None:
    cold = [place for place, item in enumerate(trained.sample.items) if item.id in trained.sample.cold]
    assert len(cold) >= 20

    same = []
    for place in cold:
        found = nearest(trained.vectors, trained.vectors[place], np.array([place]), 10)
        same.append((trained.tastes[found] == trained.tastes[place]).mean())

    assert min(same) > 0.5
    assert np.mean(same) > 0.85


def test_two_unseen_histories_of_different_tastes_share_a_fifth_of_their_hits_at_most(trained: Trained) -> None:
    warm = np.array([item.id not in trained.sample.cold for item in trained.sample.items])
    hits = {}
    for taste in sorted(set(trained.tastes)):
        heard = np.flatnonzero((trained.tastes == taste) & warm)[:5]
        query = trained.towers.encode(trained.vectors[heard], np.ones(len(heard), np.float32), None)
        found = nearest(trained.vectors, query, heard, 20)
        assert (trained.tastes[found] == taste).mean() > 0.8
        hits[taste] = set(found.tolist())

    assert max(len(hits[one] & hits[other]) for one, other in combinations(hits, 2)) <= 0.2 * 20


def test_tracks_and_episodes_meet_in_the_sample(trained: Trained) -> None:
    assert trained.towers.manifest.crossing == (("track", "track"), ("episode", "episode"), ("track", "episode"))


def test_a_history_is_encoded_in_few_steps_whatever_its_length(trained: Trained) -> None:
    """Each step of torch takes some microseconds before it has computed anything."""

    def num_steps(length: int) -> int:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiled:
            trained.towers.encode(trained.vectors[:length], np.ones(length, np.float32), 1.7e9)
        return sum(event.name.startswith("aten::") for event in profiled.events())

    assert num_steps(50) == num_steps(5) < 100
