"""Interactions and catalogues mean the same wherever they are read, by commands alone: in training, in a release, in an
evaluation, whatever the order of a file."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from service.cli import nearfield

DAY_S = 86_400
KINDS = ("track", "episode")
Row = dict[str, Any]


def item(number: int) -> Row:
    return {
        "id": f"i{number:02}",
        "kind": KINDS[number % 2],
        "title": f"Title {number}",
        "creator": f"Band {number % 7}",
    }


def listen(user: int, number: int, day: float = 0, weight: float = 1) -> Row:
    return {"user_id": f"u{user}", "item_id": f"i{number:02}", "at": 1_700_000_000 + DAY_S * day, "weight": weight}


def write(path: Path, rows: list[Row]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def write_config(folder: Path, features: list[str], epochs: int = 1) -> str:
    path = folder / "train.toml"
    path.write_text(f"features = {json.dumps(features)}\ndims = 8\nepochs = {epochs}\n")
    return str(path)


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def typed(*arguments: str) -> tuple[Row, str]:
    """What a command prints with --json, and what it says beside that."""
    result = CliRunner().invoke(nearfield, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout)), result.stderr


def train(folder: Path, rows: list[Row], *options: str) -> tuple[Row, str]:
    catalogue = write(folder / "c.jsonl", [item(number) for number in range(40)])
    data = ("--catalogue", catalogue, "--interactions", write(folder / "l.jsonl", rows))
    return typed("train", *data, "--out", str(folder / "m"), "--config", write_config(folder, ["id"]), *options)


def test_a_split_in_time_trains_on_nothing_that_came_after_the_cut(tmp_path: Path) -> None:
    older = [listen(number % 3, number, number / 5) for number in range(15)]
    newer = [listen(number % 3, number, 4) for number in range(15, 20)]
    both_sides = [listen(0, 30, 2, -1), listen(0, 30, 25, 5)]

    told, _ = train(tmp_path, older + newer + both_sides, "--split", "time")

    assert told["split"]["cut_s"] == 1_700_000_000 + 4 * DAY_S
    # What was skipped before the cut is a skip, however much it was liked later.
    assert (told["counts"]["pairs"], told["counts"]["skips"]) == (15, 1)


def test_a_split_in_time_says_what_it_held_out_and_comes_as_near_a_fifth_as_ties_allow(tmp_path: Path) -> None:
    rows = [listen(number % 3, number, 0 if number < 10 else 1 if number < 17 else 2) for number in range(20)]

    told, said = train(tmp_path, rows, "--split", "time")

    # Of 20 pairs 3 are of the last day, 10 of the last two.
    assert told["split"]["cut_s"] == 1_700_000_000 + 2 * DAY_S
    assert "3 of 20 pairs (15.0%)" in said
    assert "as near to a fifth as can be" in said


def test_likes_and_skips_that_cancel_are_left_out_of_training_and_of_the_release(tmp_path: Path) -> None:
    liked = [listen(user, number) for user in range(3) for number in range(user, user + 6)]
    cancelled = [listen(0, 30, weight=weight) for weight in (0.1, 0.2, -0.3)]

    told, _ = train(tmp_path, liked + cancelled, "--split", "none")
    model = str(tmp_path / "m")
    release, _ = typed(
        "index", "build", "c.jsonl", "--model", model, "--interactions", str(tmp_path / "l.jsonl"), "--no-text"
    )

    users = tmp_path / ".nearfield" / "releases" / release["release"] / "users"
    histories = np.load(users / "history_rows.npy").tolist()
    assert (told["counts"]["pairs"], told["counts"]["skips"], len(histories)) == (18, 0, 18)
    # It was heard all the same.
    assert 30 in np.load(users / "heard_rows.npy").tolist()


def test_an_evaluation_is_the_same_whatever_the_order_of_the_catalogue(tmp_path: Path) -> None:
    draw = random.Random(5)
    items = [item(number) for number in range(48)]
    rows = [listen(user, number) for user in range(60) for number in draw.sample(range(48), 10)]
    listens = write(tmp_path / "l.jsonl", rows)
    data = ("--catalogue", write(tmp_path / "c.jsonl", items), "--interactions", listens)
    typed("train", *data, "--out", "m", "--config", write_config(tmp_path, ["kind"], epochs=2))
    baselines = ("--baselines", "popularity,item-knn,ease,als,bpr")
    found = []
    for _ in range(3):
        draw.shuffle(items)
        catalogue = write(tmp_path / "shuffled.jsonl", items)
        found.append(typed("evaluate", "m", "--catalogue", catalogue, "--interactions", listens, *baselines)[0])

    assert found[0] == found[1] == found[2]
    # All tracks are one to this model, and all episodes: more than ten of each stand before what is to be found.
    assert found[0]["metrics"]["recall@10"] == 0
    assert found[0]["metrics"]["recall@50"] == 1
