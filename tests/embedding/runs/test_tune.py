"""The search for a config: what it finds, that it goes on, and what it refuses."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from embedding.commands.tune import tune
from embedding.data.train_config import load_config
from embedding.errors import MismatchError, RejectedInputError
from embedding.runs.tune import TuneReport, TuneRequest, run_tuning
from embedding.settings import EmbeddingSettings
from tests.embedding.planted import NO_TEXT, QUIET, refuse_to_load, write_planted
from tests.embedding.rows.row_cases import write_jsonl

# Learns next to nothing.
_COLD = msgspec.structs.replace(NO_TEXT, epochs=1, learning_rate=0.0005, temperature=0.5, batch_size=4_096)


def search(folder: Path, trials: int, **request: object) -> TuneReport:
    catalogue, interactions = write_planted(folder / "data")
    fields = {"catalogue": catalogue, "interactions": interactions, "out": folder / "best.toml", "config": _COLD}
    asked = TuneRequest(**{**fields, "trials": trials, "device": "cpu", **request})  # type: ignore[arg-type]
    return run_tuning(asked, EmbeddingSettings(data_dir=folder / "work"), refuse_to_load, QUIET)


def test_a_search_begins_with_the_given_config_goes_on_and_ends_with_a_better_file(tmp_path: Path) -> None:
    first = search(tmp_path, 1)
    assert (first.trials, first.best, first.value) == (1, _COLD, first.first_value)

    report = search(tmp_path, 5)

    assert report.trials == 5
    assert report.first_value == first.value
    assert report.value > first.value
    written = load_config(tmp_path / "best.toml")
    assert written == report.best
    assert (written.dims, written.features) == (_COLD.dims, _COLD.features)
    # Nothing is left of the budget.
    assert search(tmp_path, 5) == report


def test_a_budget_of_time_ends_after_the_trial_that_is_running(tmp_path: Path) -> None:
    assert search(tmp_path, 50, minutes=1e-9).trials == 1


def test_a_study_of_another_search_is_refused_and_says_what_differs(tmp_path: Path) -> None:
    search(tmp_path, 1)

    with pytest.raises(MismatchError, match=r"another search\. config\.dims: 16 then, 8 now\. Give"):
        search(tmp_path, 2, config=msgspec.structs.replace(_COLD, dims=8))


def test_where_nothing_can_be_held_out_there_is_nothing_to_choose_by(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "few.jsonl", [{"user_id": "u", "item_id": "item-0-00"}])

    with pytest.raises(RejectedInputError, match="no user has five training pairs"):
        search(tmp_path, 1, interactions=rows)


def test_the_command_says_what_came_and_where_it_is(tmp_path: Path) -> None:
    catalogue, interactions = write_planted(tmp_path)
    data = ["--catalogue", str(catalogue), "--interactions", str(interactions), "--out", str(tmp_path / "b.toml")]
    (tmp_path / "base.toml").write_text('features = ["id"]\nepochs = 1\n')
    arguments = [*data, "--trials", "1", "--config", str(tmp_path / "base.toml"), "--device", "cpu"]
    settings = EmbeddingSettings(data_dir=tmp_path / "work")

    result = CliRunner().invoke(tune, arguments, obj=settings, standalone_mode=False)

    assert result.exception is None
    assert f"the best of 1 trials is in {tmp_path / 'b.toml'}" in result.stdout
    assert load_config(tmp_path / "b.toml").features == ("id",)
