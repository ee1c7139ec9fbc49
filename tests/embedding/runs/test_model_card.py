"""The model card says what the manifest and the evaluation say, and a second model is compared user by user."""

from pathlib import Path

import msgspec
import pytest

from embedding.errors import MismatchError
from embedding.runs.evaluate import EvaluateReport, EvaluateRequest, run_evaluation
from embedding.settings import EmbeddingSettings
from embedding.towers.model_folder import CARD, verify_model
from tests.embedding.planted import NO_TEXT, QUIET, refuse_to_load, train_planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carded")
    train_planted(folder)
    return folder


def evaluate(folder: Path, model: str = "model", against: str | None = None) -> EvaluateReport:
    request = EvaluateRequest(
        model=folder / model,
        catalogue=folder / "data" / "catalogue.jsonl",
        interactions=folder / "data" / "interactions.jsonl",
        against=None if against is None else folder / against,
    )
    return run_evaluation(request, EmbeddingSettings(data_dir=folder / "work"), refuse_to_load, QUIET)


def test_the_card_has_the_figures_of_evaluate_and_every_hash(folder: Path) -> None:
    card = (folder / "model" / CARD).read_text()
    manifest = verify_model(folder / "model")
    report = evaluate(folder)

    assert CARD not in manifest.files
    assert card.startswith(f"# Model {manifest.hash[:12]}")
    for text in (manifest.hash, manifest.fingerprint, *manifest.files.values(), *manifest.libraries.values()):
        assert text in card
    for key, value in msgspec.structs.asdict(manifest.config).items():
        assert f"| `{key}` | `{', '.join(value) if isinstance(value, tuple) else value}` |" in card
    for metric, value in report.metrics.items():
        low, high = report.intervals["towers"][metric]
        beside = report.baselines["popularity"][metric]
        assert f"| `{metric}` | {value:.3f} ({low:.3f} to {high:.3f}) | {beside:.3f}" in card
    for label, part in report.slices["towers"].items():
        assert f"| {label} | {part.pairs:,} | {part.recall:.3f}" in card
    assert f"| coverage | {report.bias['towers'].coverage:.3f} | {report.bias['popularity'].coverage:.3f} |" in card
    assert "It reads no text." in card


def test_a_model_of_everything_says_that_it_has_no_figures(folder: Path) -> None:
    train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1), out=folder / "all", split="none")

    assert "Nothing was held out (`--split none`)" in (folder / "all" / CARD).read_text()


def test_towers_find_all_of_the_catalogue_where_popularity_shows_the_same_few(folder: Path) -> None:
    report = evaluate(folder)
    towers, popularity = report.bias["towers"], report.bias["popularity"]

    assert popularity.popularity_overlap == 1.0
    assert towers.popularity_overlap < 0.8
    assert towers.coverage == 1.0
    assert towers.gini < popularity.gini
    assert towers.popularity < popularity.popularity
    assert report.p_values["popularity"]["recall@20"] < 0.001


def test_a_second_model_is_compared_user_by_user(folder: Path) -> None:
    # All items of a language share one vector.
    train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1, features=("language",)), out=folder / "poor")
    report = evaluate(folder, against="poor")
    other = evaluate(folder, "poor")
    name = str(folder / "poor")

    assert report.baselines[name] == pytest.approx(other.metrics)
    assert report.differences[name]["recall@10"][0] > 0
    assert report.p_values[name]["recall@10"] < 0.001
    assert evaluate(folder, against="model").p_values[str(folder / "model")]["recall@20"] == 1.0


def test_a_model_that_has_seen_the_held_out_pairs_is_no_rival(folder: Path) -> None:
    train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1), out=folder / "seen", split="none")

    with pytest.raises(MismatchError, match=r"--against .*seen.*split none; the other model on .*split common"):
        evaluate(folder, against="seen")
