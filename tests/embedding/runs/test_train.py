"""Training and evaluation from files, on a small catalogue with a planted truth."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from embedding.data.split import split_pairs
from embedding.errors import MismatchError, RejectedInputError, UsageError
from embedding.rows.schema import Item
from embedding.runs.evaluate import EvaluateReport, EvaluateRequest, run_evaluation
from embedding.runs.train import TrainReport
from embedding.settings import EmbeddingSettings
from embedding.towers.history import Histories
from embedding.towers.model import Towers
from embedding.towers.model_folder import WEIGHTS
from embedding.training.dataset import open_dataset
from tests.embedding.planted import (
    GROUPS,
    ITEMS_PER_GROUP,
    NO_TEXT,
    QUIET,
    item_id,
    refuse_to_load,
    train_planted,
)
from tests.embedding.rows.row_cases import write_jsonl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def report(folder: Path) -> TrainReport:
    return train_planted(folder)


def evaluate(
    folder: Path, model: str = "model", *, interactions: Path | None = None, test: Path | None = None
) -> EvaluateReport:
    request = EvaluateRequest(
        model=folder / model,
        catalogue=folder / "data" / "catalogue.jsonl",
        interactions=interactions or folder / "data" / "interactions.jsonl",
        test=test,
    )
    return run_evaluation(request, EmbeddingSettings(data_dir=folder / "work"), refuse_to_load, QUIET)


def test_manifest_records_what_was_trained_on(report: TrainReport) -> None:
    manifest = report.manifest

    assert manifest.split.name == "common"
    assert manifest.config == NO_TEXT
    assert manifest.counts.items == GROUPS * ITEMS_PER_GROUP
    assert manifest.counts.users == 100
    assert 600 < manifest.counts.pairs < 700
    assert manifest.counts.skips == 100
    assert {"torch", "numpy", "python"} <= set(manifest.libraries)
    assert manifest.device == "cpu"


def test_the_planted_groups_are_found(folder: Path, report: TrainReport) -> None:
    evaluated = evaluate(folder)

    assert report.losses[-1] < report.losses[0]
    assert evaluated.metrics["recall@10"] > 0.95
    assert evaluated.metrics["recall@10"] > 2 * evaluated.baselines["popularity"]["recall@10"]
    assert set(evaluated.metrics) == set(evaluated.baselines["popularity"]) >= {"recall@20", "ndcg@20"}
    assert evaluated.model == report.manifest.hash
    assert evaluated.counts.candidates == GROUPS * ITEMS_PER_GROUP
    assert evaluated.counts.users_without_history == evaluated.counts.cold_candidates == 0
    low, high = evaluated.intervals["popularity"]["recall@10"]
    assert low < evaluated.baselines["popularity"]["recall@10"] < high
    # Better than popularity beyond doubt, user by user.
    assert evaluated.differences["popularity"]["recall@10"][0] > 0
    assert evaluated.slices["towers"]["users with 5 to 19 training pairs"].pairs > 100


@pytest.mark.usefixtures("report")
def test_skipped_items_are_pushed_away_by_the_query(folder: Path) -> None:
    towers = Towers.load(folder / "model")
    vectors = towers.encode_items(planted_items(folder), np.zeros((GROUPS * ITEMS_PER_GROUP, 0), np.float32))
    liked, skipped = vectors[:3], vectors[ITEMS_PER_GROUP : ITEMS_PER_GROUP + 1]
    history = np.concatenate([liked, skipped])

    with_skip = towers.encode(history, np.array([1, 1, 1, -1], np.float32), None)
    with_like = towers.encode(history, np.array([1, 1, 1, 1], np.float32), None)
    without = towers.encode(liked, np.ones(3, np.float32), None)

    assert with_skip @ skipped[0] < without @ skipped[0] < with_like @ skipped[0]


def planted_items(folder: Path) -> list[Item]:
    data = folder / "data"
    with open_dataset(data / "catalogue.jsonl", data / "interactions.jsonl", folder / "w", 0.0, QUIET) as dataset:
        return [item for batch in dataset.items(np.ones(len(dataset.item_rows), np.bool_)) for item in batch]


@pytest.mark.usefixtures("report")
def test_one_seed_one_result_and_another_seed_another(folder: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=2)
    reports = {
        name: train_planted(folder, msgspec.structs.replace(config, seed=seed), out=folder / name)
        for name, seed in (("first", 4), ("second", 4), ("other", 5))
    }
    weights = {name: (folder / name / WEIGHTS).read_bytes() for name in reports}

    assert weights["first"] == weights["second"]
    assert reports["first"].manifest == reports["second"].manifest
    assert weights["first"] != weights["other"]


def test_a_shorter_history_in_training_is_another_training_and_the_same_length_is_the_same(folder: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=1)
    weights = {}
    for length in (0, NO_TEXT.history_length, 2):
        train_planted(folder, msgspec.structs.replace(config, train_history_length=length), out=folder / "short")
        weights[length] = (folder / "short" / WEIGHTS).read_bytes()

    assert weights[0] == weights[NO_TEXT.history_length]
    assert weights[0] != weights[2]


def test_training_leaves_torch_as_it_was(folder: Path) -> None:
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.random.get_rng_state())

    train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1), out=folder / "left")

    assert torch.get_num_threads() == before[0]
    assert torch.are_deterministic_algorithms_enabled() == before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_a_listener_is_answered_at_serving_as_in_evaluation(folder: Path, report: TrainReport) -> None:
    towers = Towers.load(folder / "model")
    data = folder / "data"
    with open_dataset(data / "catalogue.jsonl", data / "interactions.jsonl", folder / "w", 0.0, QUIET) as dataset:
        train = split_pairs(dataset.pairs, dataset.rows, report.manifest.split).train
        items = [item for batch in dataset.items(np.ones(len(dataset.item_rows), np.bool_)) for item in batch]
    vectors = towers.encode_items(items, np.zeros((len(items), 0), np.float32))
    histories = Histories.of(train, train.items, report.manifest.config, torch.device("cpu"))
    users = np.arange(5)
    with torch.inference_mode():
        batch = towers.query(torch.from_numpy(vectors), histories.newest(users, 20)).numpy()

    for user in users:
        own = train.where(train.users == user)
        order = np.argsort(own.at_s)
        one = towers.encode(vectors[own.items[order]], own.weights[order], None)
        np.testing.assert_allclose(one, batch[user], atol=1e-6)


@pytest.mark.usefixtures("report")
def test_only_the_newest_of_a_long_history_count(folder: Path) -> None:
    towers = Towers.load(folder / "model")
    vectors = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32)
    weights = np.ones(50, np.float32)

    newest = towers.encode(vectors[-NO_TEXT.history_length :], weights[-NO_TEXT.history_length :], None)

    assert (towers.encode(vectors, weights, None) == newest).all()


@pytest.mark.usefixtures("report")
def test_an_empty_history_and_one_that_cancels_have_an_answer(folder: Path) -> None:
    towers = Towers.load(folder / "model")
    vector = np.eye(16, dtype=np.float32)[:1]

    nothing = towers.encode(np.zeros((0, 16), np.float32), np.zeros(0, np.float32), None)
    cancelled = towers.encode(np.repeat(vector, 2, axis=0), np.array([1.0, -1.0], np.float32), None)

    assert np.linalg.norm(nothing) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(cancelled, nothing, atol=1e-6)


@pytest.mark.usefixtures("report")
def test_the_hour_counts_where_interactions_had_real_times(folder: Path) -> None:
    towers = Towers.load(folder / "model")
    history, weights = np.eye(16, dtype=np.float32)[:1], np.ones(1, np.float32)

    unknown, morning, evening = (towers.encode(history, weights, at_s) for at_s in (None, 2 * 3_600.0, 5 * 3_600.0))

    assert not np.allclose(morning, evening)
    assert not np.allclose(morning, unknown)


def test_evaluate_refuses_other_data_naming_both_fingerprints(folder: Path, report: TrainReport) -> None:
    rows = (folder / "data" / "interactions.jsonl").read_text().splitlines()
    fewer = folder / "fewer.jsonl"
    fewer.write_text("\n".join(rows[1:]) + "\n")

    with pytest.raises(MismatchError, match=f"(?s){report.manifest.fingerprint}.*--test"):
        evaluate(folder, interactions=fewer)


@pytest.mark.usefixtures("report")
def test_evaluate_takes_the_same_rows_in_another_order(folder: Path) -> None:
    rows = (folder / "data" / "interactions.jsonl").read_text().splitlines()
    turned = folder / "turned.jsonl"
    turned.write_text("\n".join(sorted(rows, key=lambda row: row[::-1])) + "\n")

    assert evaluate(folder, interactions=turned).metrics == pytest.approx(evaluate(folder).metrics, abs=1e-9)


def test_a_model_of_everything_is_evaluated_on_given_pairs_alone(folder: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=15)
    trained = train_planted(folder, config, out=folder / "all", split="none")
    pairs = [
        {"user_id": f"user-{group}-0", "item_id": item_id(group, place)} for group in range(2) for place in range(12)
    ]
    newcomer = {"user_id": "nobody", "item_id": item_id(0, 0)}
    test = write_jsonl(folder / "test.jsonl", [*pairs, newcomer])

    assert trained.manifest.counts.pairs == 800
    with pytest.raises(UsageError, match=r"--split none.*Give --test"):
        evaluate(folder, "all")
    evaluated = evaluate(folder, "all", test=test)

    # Eight of a user's twelve pairs are known from training; the four others are all that their group has left.
    assert evaluated.counts.test_pairs == 2 * 4 + 1
    assert (evaluated.counts.users, evaluated.counts.users_without_history) == (3, 1)
    assert evaluated.metrics["recall@10"] > 0.6
    assert evaluated.split is None


@pytest.mark.usefixtures("report")
def test_test_pairs_that_are_all_known_are_refused(folder: Path) -> None:
    with pytest.raises(RejectedInputError, match="no held-out pair"):
        evaluate(folder, test=folder / "data" / "interactions.jsonl")


def test_time_split_trains_on_the_past(folder: Path) -> None:
    trained = train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1), out=folder / "time", split="time")
    evaluated = evaluate(folder, "time")

    assert trained.manifest.split.cut_s is not None
    assert evaluated.split == trained.manifest.split
    assert evaluated.counts.test_pairs + trained.manifest.counts.pairs == 800


def test_crossing_is_recorded_where_one_user_likes_both_kinds(
    folder: Path, report: TrainReport, tmp_path: Path
) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=1)
    catalogue = folder / "data" / "catalogue.jsonl"
    both = [{"user_id": "u", "item_id": item_id(group, place)} for group in range(2) for place in range(3)]
    interactions = write_jsonl(tmp_path / "both.jsonl", both)

    crossing = train_planted(tmp_path, config, catalogue=catalogue, interactions=interactions, split="none")

    alone = (("track", "track"), ("episode", "episode"))
    assert report.manifest.crossing == alone
    assert crossing.manifest.crossing == (*alone, ("track", "episode"))


def test_a_device_that_is_absent_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(UsageError, match=r"--device cuda.*finds no CUDA device.*--device cpu"):
        train_planted(tmp_path, device="cuda")
    assert not (tmp_path / "model").exists()


def test_interactions_about_nothing_in_the_catalogue_are_refused(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "foreign.jsonl", [{"user_id": "u", "item_id": "absent"}])

    with pytest.raises(RejectedInputError):
        train_planted(tmp_path, interactions=rows)
    assert not (tmp_path / "model").exists()
    assert json.loads((tmp_path / "work" / "rejects" / "interactions.jsonl").read_text())["came"]


def test_skips_alone_leave_nothing_to_train_on(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "skips.jsonl", [{"user_id": "u", "item_id": item_id(0, 0), "weight": -1}])

    with pytest.raises(RejectedInputError, match="no positive pair to train on"):
        train_planted(tmp_path, interactions=rows, split="none")


def test_one_user_with_one_item_trains_and_says_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "one.jsonl", [{"user_id": "u", "item_id": item_id(0, 0)}])

    report = train_planted(tmp_path, interactions=rows)

    assert report.manifest.counts.pairs == 1
    with pytest.raises(RejectedInputError, match="no held-out pair"):
        evaluate(tmp_path, interactions=rows)
