"""What commands tell of rows that they cannot take, and of what they did with them: by the command line alone.

Nothing is imported of the product but its commands, nor of the other tests: older builds can be asked, too.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.cli import nearfield

GOOD = {"id": "a", "kind": "track", "title": "A title", "creator": "A band"}
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(nearfield, list(arguments))


def write(name: str, *rows: Row) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def rejects_of(*rows: Row) -> list[Row]:
    typed("check", write("c.jsonl", *rows), "--rejects", "bad.jsonl")
    file = Path("bad.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_all_faults_of_a_row_are_told_at_once_and_counted_as_one_row() -> None:
    bad = {"id": " x", "kind": "song", "title": "", "creator": " ", "duration_s": -1, "min_age": 200, "popularity": 7}
    told = rejects_of(GOOD, bad)
    assert sorted(reject["field"] for reject in told) == sorted(bad)
    assert {reject["line"] for reject in told} == {2}
    counts = json.loads(typed("check", "c.jsonl", "--json").stdout)
    assert (counts["accepted"], counts["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("id", ".", ". and .."),
        ("id", "..", ". and .."),
        ("language", "English", "did you mean en?"),
        ("availability", [{"market": "XW"}], "*"),
        ("availability", [{"market": "XE"}], "Europe"),
    ],
)
def test_what_nobody_could_ask_for_is_refused_with_what_was_meant(field: str, value: Any, meant: str) -> None:
    told = rejects_of(GOOD | {"id": "b"}, GOOD | {field: value})
    assert [reject["line"] for reject in told] == [2]
    assert told[0]["field"].startswith(field)
    assert meant in told[0]["expected"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("en-x-ab-cdef", "en-x-ab-cdef"),
        ("i-klingon", "tlh"),
        ("iw", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("cmn", "zh"),
        ("IT-it", "it-IT"),
    ],
)
def test_languages_are_kept_as_registered_tags(written: str, kept: str) -> None:
    episode: Row = {
        **{"episode_id": "e1", "source": "a feed", "show_id": "s1", "show": "A show", "title": "An episode"},
        **{"description": "What it is about.", "language": written, "categories": [], "published": None},
        **{"duration_s": 498, "explicit": None, "guid": "g1"},
    }
    Path("set").mkdir()
    write("set/episodes.jsonl", episode)
    assert typed("import", "podcast_episodes", "set", "data").exit_code == 0
    (row,) = (json.loads(line) for line in Path("data/catalogue.jsonl").read_text().splitlines())
    assert row.get("language") == kept


def test_a_build_that_was_refused_leaves_none_running() -> None:
    catalogue = write("c.jsonl", GOOD, {"id": "b"})
    refused = typed("index", "build", catalogue)
    assert refused.exit_code != 0
    status = typed("index", "status")
    assert "running" not in status.stdout + status.stderr + str(status.exception)


def test_a_model_tested_on_what_it_may_know_is_told_with_both_fingerprints() -> None:
    rng = random.Random(3)
    items = [GOOD | {"id": f"i{number:02}", "title": f"Title {number}"} for number in range(30)]
    rows = [
        {"user_id": f"u{user}", "item_id": f"i{number:02}", "at": 1_700_000_000 + user}
        for user in range(12)
        for number in rng.sample(range(30), 8)
    ]
    history = [row for number, row in enumerate(rows) if number % 4]
    data = ("--catalogue", write("items.jsonl", *items))
    Path("train.toml").write_text('features = ["id"]\ndims = 8\nepochs = 1\n')
    learn = (*data, "--config", "train.toml", "--split", "none")
    trained = typed("train", *learn, "--interactions", write("test.jsonl", *rows[::4]), "--out", "on_test")
    other = typed("train", *learn, "--interactions", write("history.jsonl", *history), "--out", "on_history")
    assert (trained.exit_code, other.exit_code) == (0, 0)
    told = typed("evaluate", "on_test", *data, "--interactions", "history.jsonl", "--test", "test.jsonl")
    assert told.exit_code == 0, told.output
    for folder in ("on_test", "on_history"):
        assert json.loads(Path(folder, "manifest.json").read_text())["fingerprint"] in told.stderr
    assert "100.0%" in told.stderr
