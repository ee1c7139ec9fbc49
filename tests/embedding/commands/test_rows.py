"""`check`, `sample` and `import` as they are typed: what is printed, which exit code, what lies there after."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embedding.commands.check import check
from embedding.commands.import_set import import_
from embedding.commands.sample import sample
from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.listens.registry import LISTEN_FORMATS
from embedding.importers.registry import IMPORTERS
from embedding.settings import EmbeddingSettings
from tests.embedding.importers.contract import write_set
from tests.embedding.importers.test_playlist_archive import FILES as PLAYLIST_ARCHIVE
from tests.embedding.importers.test_podcast_episodes import lines as episode_lines
from tests.embedding.rows.row_cases import good, jsonl, write_jsonl


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, obj=EmbeddingSettings())


BROKEN = [
    good(id="ok-1"),
    good(id="b1", title=5),
    {"id": "b2", "kind": "track", "creator": "c"},
    good(id="b3", colour="red"),
    good(id="ok-1"),
    good(id="b4", published_at="31/05/2024"),
    good(id="b5", availability=[{"market": "SE", "from": "2024-02-01", "until": "2024-01-01"}]),
    good(id="b6", title="x" * 10_000_000),
    good(id="ok-2"),
]


def broken_catalogue() -> None:
    Path("broken.jsonl").write_bytes(jsonl(BROKEN) + b'{"id": "b7", "title": "\xff"}\n' + jsonl([good(id="ok-3")]))


def test_check_lists_one_line_a_reject_with_counts_that_add_up(folder: Path) -> None:
    broken_catalogue()
    write_jsonl(folder / "i.jsonl", [{"user_id": "u", "item_id": "ok-1"}, {"user_id": "u", "item_id": "b1"}])
    result = run(check, "broken.jsonl", "--interactions", "i.jsonl")
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:9]] == [
        ["broken.jsonl:2", "title"],
        ["broken.jsonl:3", "title"],
        ["broken.jsonl:4", "colour"],
        ["broken.jsonl:5", "id"],
        ["broken.jsonl:6", "published_at"],
        ["broken.jsonl:7", "availability[0].until"],
        ["broken.jsonl:8", "title"],
        ["broken.jsonl:10", "(row)"],
        ["i.jsonl:2", "item_id"],
    ]
    assert len({line.index("expected") for line in lines[:9]}) == 1
    assert lines[9:] == [
        "catalogue: 11 rows read, 3 accepted, 8 rejected",
        "interactions: 2 rows read, 1 accepted, 1 rejected",
        "rejects: .nearfield/rejects/broken.jsonl.rejects.jsonl",
    ]
    written = Path(".nearfield/rejects/broken.jsonl.rejects.jsonl").read_bytes().splitlines()
    assert [list(json.loads(line)) for line in written] == [["file", "line", "field", "expected", "came"]] * 9


def test_check_as_json_is_one_object(folder: Path) -> None:
    broken_catalogue()
    write_jsonl(folder / "i.jsonl", [{"user_id": "u", "item_id": "ok-1"}])
    result = run(check, "broken.jsonl", "--interactions", "i.jsonl", "--rejects", "bad.jsonl", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "accepted": 3,
        "rejected": 8,
        "interactions": {"accepted": 1, "rejected": 0},
        "rejects_file": "bad.jsonl",
        "failures": [],
    }
    assert len(Path("bad.jsonl").read_bytes().splitlines()) == 8


def test_check_of_good_rows_leaves_nothing_behind(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good()])
    result = run(check, "c.jsonl")
    assert (result.exit_code, result.stdout) == (0, "catalogue: 1 rows read, 1 accepted, 0 rejected\n")
    assert [path.name for path in folder.iterdir()] == ["c.jsonl"]


def test_check_shows_fifty_rejects_and_says_where_the_rest_is(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good(), *[good(kind="song")] * 60])
    lines = run(check, "c.jsonl").stdout.splitlines()
    assert len(lines) == 50 + 3
    assert lines[50] == "and 10 more in .nearfield/rejects/c.jsonl.rejects.jsonl"


# With ids of their own: packed bytes hold the second of packing, and two processes must collect the same tests.
@pytest.mark.parametrize(
    ("content", "match", "rejected"),
    [
        pytest.param(b"", "empty file", 1, id="empty"),
        pytest.param(gzip.compress(jsonl([good()]))[:-8], "ends early", 1, id="ends early"),
        pytest.param(gzip.compress(jsonl([good(kind="song")] * 2)), "not one good row in 2", 2, id="no good row"),
    ],
)
def test_check_of_what_cannot_be_taken_prints_the_counts_and_fails(content: bytes, match: str, rejected: int) -> None:
    Path("c.jsonl.gz").write_bytes(content)
    result = run(check, "c.jsonl.gz", "--json")
    assert isinstance(result.exception, RejectedInputError)
    assert match in str(result.exception)
    assert json.loads(result.stdout)["rejected"] == rejected
    with pytest.raises(NotFoundError):
        CliRunner().invoke(check, ["nowhere.csv"], obj=EmbeddingSettings(), catch_exceptions=False)


def test_progress_goes_to_stderr_as_events(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good()])
    result = run(check, "c.jsonl", "--progress", "json", "--json")
    assert json.loads(result.stdout)["accepted"] == 1
    assert [json.loads(line)["event"] for line in result.stderr.splitlines()] == ["start", "step", "end"]


def test_sample_writes_its_files_and_sets_the_market(folder: Path) -> None:
    result = run(sample, "data", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["items"], told["users"], told["seed"]) == (2000, 1200, 7)
    assert sorted(path.name for path in (folder / "data").iterdir()) == [
        "README.txt",
        "catalogue.jsonl",
        "interactions.jsonl",
    ]
    assert len((folder / "data/interactions.jsonl").read_bytes().splitlines()) == told["interactions"]
    assert 'default_market = "SE"' in (folder / "nearfield.toml").read_text()
    assert "default_market is SE" in result.stderr


def test_import_writes_both_files_and_says_what_it_made_up(folder: Path) -> None:
    write_set(folder / "set", PLAYLIST_ARCHIVE)
    result = run(import_, "playlist_archive", "set", "data")
    assert result.stdout == "3 items and 4 interactions in data.\n"
    assert "creator 'unknown'" in result.stderr
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["catalogue.jsonl", "interactions.jsonl"]


def test_import_of_a_set_without_interactions_says_so(folder: Path) -> None:
    episodes = episode_lines(*({"episode_id": f"e{number}"} for number in range(150)), {"title": None})
    write_set(folder / "set", {"episodes.jsonl": episodes})
    result = run(import_, "podcast_episodes", "set", "data")
    assert result.stdout == "150 items in data; podcast_episodes has no interactions.\n"
    assert "1 rows were not taken; see .nearfield/rejects/podcast_episodes.rejects.jsonl" in result.stderr
    told = json.loads(run(import_, "podcast_episodes", "set", "data", "--json").stdout)
    assert (told["items"], told["interactions"], told["rejected"]) == (150, None, 1)


def test_an_unknown_format_is_wrong_use() -> None:
    result = run(import_, "taste-profile", "set", "data")
    assert result.exit_code == 2
    assert "did you mean taste_profile?" in result.stderr


def test_help_of_import_lists_every_format() -> None:
    listed = run(import_, "--help").stdout.partition("Formats:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "] == [
        *IMPORTERS.names,
        *LISTEN_FORMATS.names,
    ]
