"""Data that nobody would train on willingly: each trains, or is refused in words that say what was expected."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from embedding.errors import RejectedInputError
from embedding.runs.evaluate import EvaluateReport, EvaluateRequest, run_evaluation
from embedding.settings import EmbeddingSettings
from embedding.towers.model import Towers
from tests.embedding.planted import NO_TEXT, QUIET, item_id, refuse_to_load, train_planted
from tests.embedding.rows.row_cases import write_jsonl

_SHORT = msgspec.structs.replace(NO_TEXT, epochs=1)


def rows_of(user: str, items: list[str], **fields: object) -> list[dict[str, object]]:
    return [{"user_id": user, "item_id": item, **fields} for item in items]


def evaluate(folder: Path, interactions: Path, test: Path | None = None) -> EvaluateReport:
    request = EvaluateRequest(
        model=folder / "model", catalogue=folder / "data" / "catalogue.jsonl", interactions=interactions, test=test
    )
    return run_evaluation(request, EmbeddingSettings(data_dir=folder / "work"), refuse_to_load, QUIET)


def test_one_user_of_many_items_trains_and_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(QUIET, "say", said.append)
    items = [item_id(group, place) for group in range(4) for place in range(12)]
    rows = write_jsonl(tmp_path / "one.jsonl", rows_of("u", items))

    report = train_planted(tmp_path, _SHORT, interactions=rows)
    evaluated = evaluate(tmp_path, rows)

    # Whatever stands in a batch, they like.
    assert set(report.losses) == {0.0}
    assert sum("nothing is learnt" in line for line in said) == len(report.losses)
    assert report.manifest.counts.users == evaluated.counts.users == 1
    assert report.manifest.counts.pairs + evaluated.counts.test_pairs == 48
    # One user says nothing of how sure a mean is.
    assert evaluated.intervals["towers"]["recall@20"] == (-np.inf, np.inf)


def test_one_item_heard_by_all_is_learnt_without_a_negative(tmp_path: Path) -> None:
    rows = write_jsonl(
        tmp_path / "same.jsonl", [row for user in range(40) for row in rows_of(f"u{user}", ["item-0-00"])]
    )

    report = train_planted(tmp_path, msgspec.structs.replace(NO_TEXT, patience=0), interactions=rows)

    assert report.manifest.counts.items == 1
    assert report.losses == (0.0,) * NO_TEXT.epochs
    assert Towers.load(tmp_path / "model").query.start.isfinite().all()
    with pytest.raises(RejectedInputError, match="no held-out pair to evaluate on"):
        evaluate(tmp_path, rows)


def test_a_user_with_a_hundred_thousand_listens_costs_no_more_than_their_newest(tmp_path: Path) -> None:
    items = [item_id(group, place) for group in range(4) for place in range(12)]
    many = [row for turn in range(2_084) for row in rows_of("glutton", items, at=1_600_000_000 + turn)]
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in many + rows_of("other", items[:5])))
    assert len(many) > 100_000

    report = train_planted(tmp_path, _SHORT, interactions=path, split="none")

    # Repeated rows are one pair, whose weight is their sum.
    assert report.manifest.counts.pairs == 48 + 5


def test_weights_that_are_all_nothing_leave_nothing_to_train_on(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "zero.jsonl", rows_of("u", ["item-0-00", "item-0-01"], weight=0))

    with pytest.raises(RejectedInputError, match=r"no positive pair to train on, of 0\. Check that"):
        train_planted(tmp_path, _SHORT, interactions=rows)


@pytest.mark.parametrize("at", [1_700_000_000, 0])
def test_interactions_all_at_one_time_have_no_past_to_train_on(tmp_path: Path, at: int) -> None:
    rows = write_jsonl(tmp_path / "at_once.jsonl", rows_of("u", ["item-0-00", "item-0-01", "item-0-02"], at=at))

    with pytest.raises(RejectedInputError, match=r"'time' leaves no positive pair to train on, of 3"):
        train_planted(tmp_path, _SHORT, interactions=rows, split="time")


def test_interactions_without_a_time_have_no_split_in_time(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "timeless.jsonl", rows_of("u", ["item-0-00", "item-0-01"]))

    with pytest.raises(RejectedInputError, match="needs `at` on every interaction; 2 of 2 rows have none"):
        train_planted(tmp_path, _SHORT, interactions=rows, split="time")


def test_an_empty_test_file_is_refused_by_its_name(tmp_path: Path) -> None:
    train_planted(tmp_path, _SHORT, split="none")
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")

    with pytest.raises(RejectedInputError, match=r"empty\.jsonl"):
        evaluate(tmp_path, tmp_path / "data" / "interactions.jsonl", empty)


def test_a_test_file_of_skips_alone_holds_nothing_to_find(tmp_path: Path) -> None:
    train_planted(tmp_path, _SHORT, split="none")
    skips = write_jsonl(tmp_path / "skips.jsonl", rows_of("user-0-0", ["item-3-00"], weight=-1))

    with pytest.raises(RejectedInputError, match="with --test, pairs with a positive weight"):
        evaluate(tmp_path, tmp_path / "data" / "interactions.jsonl", skips)


def test_an_id_of_ten_thousand_characters_is_a_reject_that_says_how_long_one_may_be(tmp_path: Path) -> None:
    rows = rows_of("u" * 10_000, ["item-0-00"]) + [
        row for user in range(200) for row in rows_of(f"u{user}", ["item-0-01"])
    ]

    report = train_planted(tmp_path, _SHORT, interactions=write_jsonl(tmp_path / "long.jsonl", rows))

    assert report.manifest.counts.users == 200
    (path,) = report.rejects
    reject = json.loads(Path(path).read_text())
    assert reject["field"] == "user_id"
    assert "512" in reject["expected"]
    assert len(reject["came"]) < 300


def test_stopping_early_needs_something_to_stop_by(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "few.jsonl", rows_of("u", ["item-0-00", "item-0-01"]))

    with pytest.raises(RejectedInputError, match=r"`patience` \(2\) stops training by pairs held out.*Set it to 0"):
        train_planted(tmp_path, msgspec.structs.replace(_SHORT, patience=2), interactions=rows, split="none")


def test_early_stopping_keeps_the_best_epoch_and_says_which(tmp_path: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=30, patience=3)

    report = train_planted(tmp_path, config)

    best = report.manifest.epochs
    assert best is not None
    assert report.scores.index(max(report.scores)) + 1 == best
    assert len(report.scores) == len(report.losses) == min(30, best + 3)
    assert len(report.scores) < 30
    # A fifth of the training pairs was not trained on.
    assert 500 < report.manifest.counts.pairs < 600


def test_the_log_has_every_epoch_and_the_steps_between(tmp_path: Path) -> None:
    report = train_planted(tmp_path, msgspec.structs.replace(NO_TEXT, batch_size=16, epochs=2), log=tmp_path / "log")

    header, *lines = (tmp_path / "log" / "training.csv").read_text().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert [float(row["mean_loss"]) for row in rows if row["mean_loss"]] == list(report.losses)
    assert [int(row["step"]) for row in rows if row["loss"]] == [50]
    assert all(float(row["pairs_per_s"]) > 0 for row in rows if row["loss"])
    assert len(list((tmp_path / "log").glob("events.out.tfevents.*"))) == 1
