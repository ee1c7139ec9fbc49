"""`nearfield train` and `nearfield evaluate` as they are typed: what they print, where, and how they fail."""

import json
import re
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from embedding.commands.evaluate import evaluate
from embedding.commands.train import train
from embedding.errors import NearfieldError, NotFoundError, UsageError
from embedding.evaluation.baselines.registry import BASELINES
from embedding.settings import EmbeddingSettings, EncoderPlace
from tests.embedding.planted import NO_TEXT, write_planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    write_planted(folder)
    fields: dict[str, Any] = {**msgspec.to_builtins(NO_TEXT), "epochs": 15}
    # Numbers, strings, flags and lists are written alike in JSON and TOML.
    (folder / "train.toml").write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in fields.items()))
    return folder


def call(command: Any, folder: Path, *arguments: str) -> Result:
    data = ["--catalogue", str(folder / "catalogue.jsonl"), "--interactions", str(folder / "interactions.jsonl")]
    settings = EmbeddingSettings(data_dir=folder / ".nearfield")
    return CliRunner().invoke(command, [*arguments, *data], obj=settings, standalone_mode=False)


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    result = call(train, folder, "--out", str(folder / "model"), "--config", str(folder / "train.toml"), "--json")
    assert result.exception is None
    report = json.loads(result.stdout)
    assert report["split"] == {"name": "common", "cut_s": None}
    assert len(report["losses"]) == 15
    return folder / "model"


def test_train_prints_one_line_for_people(folder: Path) -> None:
    result = call(train, folder, "--out", str(folder / "m"), "--config", str(folder / "train.toml"), "--split", "none")

    assert result.exception is None
    assert "split none, 800 pairs of 100 users and 48 items" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_a_map_reads_other_columns_into_the_same_model(folder: Path, model: Path, tmp_path: Path) -> None:
    for name, was, now in (("catalogue", "title", "Name"), ("interactions", "item_id", "Track")):
        text = (folder / f"{name}.jsonl").read_text("utf-8")
        (tmp_path / f"{name}.jsonl").write_text(text.replace(f'"{was}"', f'"{now}"'), "utf-8")
    (tmp_path / "map.toml").write_text('[catalogue.fields]\ntitle = "Name"\n[interactions.fields]\nitem_id = "Track"\n')
    options = ("--config", str(folder / "train.toml"), "--map", str(tmp_path / "map.toml"), "--json")
    result = call(train, tmp_path, "--out", str(tmp_path / "m"), *options)
    assert result.exception is None
    assert json.loads(result.stdout)["counts"] == load_manifest(model)["counts"]


def load_manifest(model: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((model / "manifest.json").read_bytes())
    return manifest


def test_evaluate_prints_one_json_object_with_the_same_keys_for_each_baseline(folder: Path, model: Path) -> None:
    result = call(evaluate, folder, str(model), "--json", "--progress", "json")

    assert result.exception is None
    report = json.loads(result.stdout)
    assert set(report["metrics"]) == set(report["baselines"]["popularity"])
    assert report["metrics"]["recall@20"] > report["baselines"]["popularity"]["recall@20"] > 0
    assert 0 < report["metrics"]["ndcg@20"] <= 1
    assert all(json.loads(line)["event"] for line in result.stderr.splitlines())


def test_evaluate_prints_an_aligned_table_and_draws_the_curve(folder: Path, model: Path) -> None:
    result = call(evaluate, folder, str(model), "--plots", str(folder / "plots"))

    assert result.exception is None
    table = [line for line in result.stdout.splitlines() if line.startswith(("recall@", "ndcg@", "mrr@", "map@"))]
    assert len(table) == 16
    assert len({len(line) for line in table}) == 1
    assert "coverage" in result.stdout
    assert "users with 5 to 19 training pairs" in result.stdout
    assert "towers" in result.stdout
    assert "popularity" in result.stdout
    image = (folder / "plots" / "recall.png").read_bytes()
    assert image.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", image[16:24])
    assert (width, height) == (768, 528)


def test_baselines_can_be_left_out_and_a_misspelt_one_is_named(folder: Path, model: Path) -> None:
    assert json.loads(call(evaluate, folder, str(model), "--baselines", "none", "--json").stdout)["baselines"] == {}

    result = call(evaluate, folder, str(model), "--baselines", "popularty")

    assert isinstance(result.exception, UsageError)
    assert "did you mean popularity?" in str(result.exception)
    assert "'popularty'" in str(result.exception)


@pytest.fixture(scope="module")
def parts(folder: Path) -> tuple[Path, Path]:
    """The interactions in two files: nine of ten rows, and every tenth."""
    rows = (folder / "interactions.jsonl").read_text().splitlines(keepends=True)
    history, test = folder / "history.jsonl", folder / "test.jsonl"
    history.write_text("".join(row for place, row in enumerate(rows) if place % 10))
    test.write_text("".join(rows[::10]))
    return history, test


def trained(folder: Path, interactions: Path, split: str) -> Path:
    out = folder / f"of-{interactions.stem}-{split}"
    fields = (folder / "train.toml").read_text().replace("epochs = 15", "epochs = 1")
    (folder / "short.toml").write_text(fields)
    words = ["--out", str(out), "--config", str(folder / "short.toml"), "--split", split]
    done = CliRunner().invoke(
        train,
        [*words, "--catalogue", str(folder / "catalogue.jsonl"), "--interactions", str(interactions)],
        obj=EmbeddingSettings(data_dir=folder / ".nearfield"),
        standalone_mode=False,
    )
    assert done.exception is None
    return out


def evaluated(folder: Path, model: Path, interactions: Path, test: Path) -> Result:
    words = [str(model), "--catalogue", str(folder / "catalogue.jsonl"), "--interactions", str(interactions)]
    result = CliRunner().invoke(
        evaluate,
        [*words, "--test", str(test), "--baselines", "none", "--json"],
        obj=EmbeddingSettings(data_dir=folder / ".nearfield"),
        standalone_mode=False,
    )
    assert result.exception is None, result.exception
    return result


def fingerprint(model: Path) -> str:
    return str(json.loads((model / "manifest.json").read_text())["fingerprint"])


@pytest.mark.parametrize(
    ("trained_with", "split", "told"),
    [
        ("test", "none", "it was trained on 100.0% of the pairs"),
        ("interactions", "none", "it was trained on 100.0% of the pairs"),
        ("interactions", "common", r"it was trained on [78]\d\.\d% of the pairs"),
        ("other", "none", "cannot be told"),
    ],
)
def test_a_model_that_was_trained_on_what_it_is_tested_on_is_warned_of(
    folder: Path, parts: tuple[Path, Path], trained_with: str, split: str, told: str
) -> None:
    history, test = parts
    rows = history.read_text().splitlines(keepends=True)
    (folder / "other.jsonl").write_text("".join(rows[:300]))
    model = trained(folder, folder / f"{trained_with}.jsonl", split)
    result = evaluated(folder, model, history, test)
    of_history = fingerprint(trained(folder, history, "none"))
    assert "Warning" in result.stderr
    assert fingerprint(model) in result.stderr
    assert of_history in result.stderr
    assert re.search(told, result.stderr)
    (said,) = json.loads(result.stdout)["trained_on"].values()
    assert (said["trained"], said["interactions"]) == (fingerprint(model), of_history)


def test_a_model_of_these_interactions_is_tested_without_a_word(folder: Path, parts: tuple[Path, Path]) -> None:
    history, test = parts
    result = evaluated(folder, trained(folder, history, "none"), history, test)
    assert result.stderr == ""
    assert json.loads(result.stdout)["trained_on"] == {}


def test_help_of_evaluate_lists_every_baseline() -> None:
    shown = " ".join(CliRunner().invoke(evaluate, ["--help"]).stdout.split())

    assert f"{', '.join(BASELINES.names)}; or none." in shown


def test_an_out_folder_of_something_else_is_refused_before_training(folder: Path) -> None:
    result = call(train, folder, "--out", str(folder))

    assert isinstance(result.exception, UsageError)
    assert "is not a model" in str(result.exception)


def test_a_model_that_is_not_there_is_named(folder: Path) -> None:
    result = call(evaluate, folder, str(folder / "nowhere"))

    assert isinstance(result.exception, NotFoundError)
    assert "nowhere" in str(result.exception)


def test_rows_that_were_not_taken_are_counted_on_stderr(folder: Path, tmp_path: Path) -> None:
    write_planted(tmp_path)
    with (tmp_path / "interactions.jsonl").open("a") as file:
        file.write('{"user_id": "u", "item_id": "absent"}\n')

    result = call(train, tmp_path, "--out", str(tmp_path / "m"), "--config", str(folder / "train.toml"), "--json")

    assert result.exception is None
    assert "1 rows were not taken; see" in result.stderr
    assert list(json.loads(result.stdout)["rejects"].values()) == [1]


def test_without_a_text_encoder_the_error_says_where_to_put_one(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "encoder"
    empty.mkdir()
    settings = EmbeddingSettings(data_dir=tmp_path / ".nearfield", encoder=EncoderPlace(empty))
    data = ["--catalogue", str(folder / "catalogue.jsonl"), "--interactions", str(folder / "interactions.jsonl")]

    result = CliRunner().invoke(train, ["--out", str(tmp_path / "m"), *data], obj=settings, standalone_mode=False)

    assert isinstance(result.exception, NearfieldError)
    assert "No text encoder in" in str(result.exception)
