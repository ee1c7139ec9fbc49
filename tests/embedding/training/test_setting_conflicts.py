"""Which settings are told to work against one another, that sound ones are not, and how a warning is said."""

import json

import pytest

from embedding.data.train_config import TrainConfig
from embedding.progress import ProgressMode, Reporter
from embedding.training.setting_conflicts import conflicts


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(features=("id",)),
        TrainConfig(features=("id", "text"), id_dropout=0.9, text_query_weight=0.1),
        TrainConfig(features=("text",)),
        TrainConfig(patience=7),
        TrainConfig(train_history_length=100),
        TrainConfig(min_tag_items=9),
    ],
)
def test_nothing_is_said_of_settings_that_go_together(config: TrainConfig) -> None:
    assert list(conflicts(config)) == []


def test_each_conflict_is_a_sentence_of_its_own() -> None:
    config = TrainConfig(features=("kind", "kind"), id_dropout=0.1, min_album_items=3, patience=8)
    assert [sentence.split("`")[1] for sentence in conflicts(config)] == [
        "id_dropout",
        "features",
        "features",
        "min_album_items",
        "patience",
    ]


def test_what_a_manifest_says_was_hidden_stays_so() -> None:
    assert TrainConfig(features=("id",), id_dropout=0.3).id_dropout == 0.3


@pytest.mark.parametrize("mode", ["none", "bar"])
def test_a_warning_is_said_whatever_is_shown_of_progress(
    mode: ProgressMode, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "`a` is [3] " + "long " * 60 + "and on one line."
    Reporter(mode).warn(text)
    assert capsys.readouterr().err == f"Warning: {text}\n"


def test_to_a_script_a_warning_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter("json").warn("so")
    assert json.loads(capsys.readouterr().err) == {"event": "warning", "text": "so"}
