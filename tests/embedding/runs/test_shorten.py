"""Vectors that may be cut: a shortened model is the beginning of the whole one, and good where it was trained for."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from msgspec.structs import replace
from torch.nn.functional import normalize

from embedding.commands.shorten import shorten
from embedding.data.train_config import TrainConfig
from embedding.errors import UsageError
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item
from embedding.runs.evaluate import EvaluateRequest, run_evaluation
from embedding.runs.shorten import run_shortening
from embedding.settings import EmbeddingSettings
from embedding.towers.candidate_tower import cut
from embedding.towers.model import Towers
from embedding.towers.model_folder import CARD, read_manifest, verify_model
from embedding.towers.query_tower import HistoryTensors, QueryTower
from tests.embedding.planted import ITEMS_PER_GROUP, NO_TEXT, QUIET, refuse_to_load, train_planted
from tests.embedding.towers.test_old_models import FORMAT_1, ITEMS

LENGTHS = (4, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of the same data: one that may be cut, and one whose config says nothing of that."""
    folder = tmp_path_factory.mktemp("nested")
    train_planted(folder, replace(NO_TEXT, nested_dims=LENGTHS))
    train_planted(folder, NO_TEXT, out=folder / "plain")
    return folder


def recall(folder: Path, model: Path) -> float:
    data = folder / "data"
    request = EvaluateRequest(
        model=model, catalogue=data / "catalogue.jsonl", interactions=data / "interactions.jsonl", baselines=()
    )
    settings = EmbeddingSettings(data_dir=folder / "work")
    return run_evaluation(request, settings, refuse_to_load, QUIET).metrics["recall@10"]


def test_a_cut_vector_is_the_beginning_at_length_one() -> None:
    vectors = normalize(torch.tensor([[3.0, 4.0, 12.0], [0.0, 2.0, 1.0]]), dim=1)

    torch.testing.assert_close(cut(vectors, 2), torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert cut(vectors, 3) is vectors


def test_a_query_tower_answers_in_the_length_of_what_was_heard() -> None:
    torch.manual_seed(1)
    query, shorter = QueryTower(6, text_dims=5), QueryTower(2, text_dims=5)
    heard = normalize(torch.randn(3, 6), dim=1)
    history = HistoryTensors(torch.tensor([0, 2]), torch.tensor([0, 2]), torch.tensor([1.0, -1.0]), torch.tensor([7]))
    text = normalize(torch.randn(1, 5), dim=1)
    with torch.no_grad():
        query.hours.normal_()
        for name, weights in shorter.named_parameters():
            weights.copy_(dict(query.named_parameters())[name][..., :2])

        torch.testing.assert_close(query(cut(heard, 2), history), shorter(cut(heard, 2), history))
        torch.testing.assert_close(query.of_texts(text, 2), shorter.of_texts(text, 2))


@pytest.mark.parametrize("dims", LENGTHS)
def test_a_shortened_model_gives_the_beginning_of_each_vector(folder: Path, tmp_path: Path, dims: int) -> None:
    whole = Towers.load(folder / "model")
    manifest = run_shortening(folder / "model", dims, tmp_path / "short")

    short = Towers.load(tmp_path / "short")
    none = np.zeros((2, 0), np.float32)
    vectors, longer = short.encode_items(ITEMS, none), whole.encode_items(ITEMS, none)[:, :dims]
    np.testing.assert_allclose(vectors, longer / np.linalg.norm(longer, axis=1, keepdims=True), atol=1e-6)
    assert short.encode(vectors, np.ones(2, np.float32), 7_200.0).shape == (dims,)
    assert verify_model(tmp_path / "short") == manifest
    assert manifest.hash != whole.model_hash == manifest.shortened_from
    assert (manifest.dims, manifest.config.dims, manifest.config.nested_dims) == (dims, dims, (2,) if dims == 4 else ())
    card = (tmp_path / "short" / CARD).read_text()
    assert f"Cut to {dims} dims from the model `{whole.model_hash}`" in card
    assert "Mean loss" not in card


def purity(towers: Towers, items: list[Item], dims: int) -> float:
    """Share of the nearest eleven of each item, by the first dims of their vectors, that are of its group of twelve."""
    vectors = towers.encode_items(items, np.zeros((len(items), 0), np.float32))[:, :dims]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1:ITEMS_PER_GROUP]
    groups = np.arange(len(items)) // ITEMS_PER_GROUP
    return float((groups[nearest] == groups[:, None]).mean())


def test_a_cut_costs_little_where_it_was_trained_for(folder: Path, tmp_path: Path) -> None:
    run_shortening(folder / "model", 2, tmp_path / "short")
    with Rejects(tmp_path / "rejects") as rejects:
        items = [item for batch in read_catalogue(folder / "data" / "catalogue.jsonl", rejects) for item in batch]

    assert recall(folder, folder / "model") > 0.95
    assert recall(folder, tmp_path / "short") > 0.9
    assert purity(Towers.load(folder / "model"), items, 2) > 0.95
    assert purity(Towers.load(folder / "plain"), items, 2) < 0.75


def test_other_lengths_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--dims 3: the model .* can be cut to 2, 4\."):
        run_shortening(folder / "model", 3, tmp_path / "short")
    with pytest.raises(UsageError, match="can be cut to none: set `nested_dims` in the config"):
        run_shortening(FORMAT_1, 2, tmp_path / "short")
    with pytest.raises(UsageError, match="is the model itself, which would be lost"):
        run_shortening(folder / "model", 2, folder / "model" / ".." / "model")
    assert read_manifest(folder / "model").dims == 16
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").touch()
    with pytest.raises(UsageError, match="is not a model"):
        run_shortening(folder / "model", 2, tmp_path / "other")
    assert not (tmp_path / "short").exists()


@pytest.mark.parametrize("nested", [(4, 4), (16,), (2, 32)])
def test_lengths_that_make_no_sense_are_refused(nested: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected lengths below `dims` \(16\), each once"):
        TrainConfig(dims=16, nested_dims=nested)


def test_the_command_says_what_came_of_it(folder: Path, tmp_path: Path) -> None:
    arguments = [str(folder / "model"), "--dims", "4", "--out", str(tmp_path / "short")]
    told = CliRunner().invoke(shorten, arguments)
    assert told.exit_code == 0, told.output
    assert "4 dims, cut from" in told.stdout

    said = json.loads(CliRunner().invoke(shorten, [*arguments, "--json"]).stdout)
    assert said == {"model": verify_model(tmp_path / "short").hash, "out": str(tmp_path / "short"), "dims": 4}
