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
from embedding.errors import NotFoundError, RejectedInputError, UsageError
from embedding.importers.listens.registry import LISTEN_FORMATS
from embedding.importers.registry import IMPORTERS
from embedding.settings import EmbeddingSettings
from tests.embedding.importers.contract import write_set
from tests.embedding.importers.rss.host import Page, podcast_host
from tests.embedding.importers.rss.written_feeds import item as item_of_feed
from tests.embedding.importers.rss.written_feeds import rss
from tests.embedding.importers.test_playlist_archive import FILES as PLAYLIST_ARCHIVE
from tests.embedding.importers.test_podcast_episodes import lines as episode_lines
from tests.embedding.rows.row_cases import good, jsonl, write_csv, write_jsonl, write_parquet


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
    told = json.loads(result.stdout)
    assert told.pop("rows_per_s") > 0
    assert told["interactions"].pop("rows_per_s") > 0
    assert told == {
        "accepted": 3,
        "rejected": 8,
        "interactions": {"accepted": 1, "rejected": 0},
        "num_faults": 8,
        "faults": [json.loads(line) for line in Path("bad.jsonl").read_bytes().splitlines()],
        "rejects_file": "bad.jsonl",
        "failures": [],
    }
    assert [fault["line"] for fault in told["faults"]] == [2, 3, 4, 5, 6, 7, 8, 10]


FAULTY = good(
    id=" a",
    kind="song",
    title=" ",
    language="english (GB)",
    duration_s=-1,
    tags=["ok", " ", "x" * 201],
    availability=[
        {"market": "se"},
        {"market": "SE", "from": "2024-02-01", "until": "2024-01-01"},
        {"market": "UK", "until": "soon"},
    ],
)
ITS_FAULTS = {
    "id",
    "kind",
    "title",
    "language",
    "duration_s",
    "tags[1]",
    "tags[2]",
    "availability[0].market",
    "availability[1].until",
    "availability[2].market",
    "availability[2].until",
}


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_all_faults_of_a_row_are_told_at_once(folder: Path, write: Any) -> None:
    path = write(folder / {write_jsonl: "c.jsonl", write_csv: "c.csv", write_parquet: "c.parquet"}[write], [FAULTY])
    result = run(check, path.name, "--json")
    told = json.loads(result.stdout)
    written = [json.loads(line) for line in Path(told["rejects_file"]).read_bytes().splitlines()]
    assert sorted(fault["field"] for fault in written) == sorted(ITS_FAULTS)
    assert len({fault["line"] for fault in written}) == 1
    assert told["faults"] == written
    assert (told["accepted"], told["rejected"], told["num_faults"]) == (0, 1, len(ITS_FAULTS))


def test_a_bad_row_is_also_told_what_other_rows_make_wrong(folder: Path) -> None:
    """An id that came before, an item that is not there: not found out in a second round."""
    write_jsonl(folder / "c.jsonl", [good(id="a"), good(id="a", kind="song", langauge="sv")])
    write_jsonl(folder / "i.jsonl", [{"user_id": "u", "item_id": "b", "at": "soon", "weight": "much"}])
    run(check, "c.jsonl", "--interactions", "i.jsonl", "--rejects", "bad.jsonl")
    written = [json.loads(line) for line in Path("bad.jsonl").read_bytes().splitlines()]
    assert [(fault["file"], fault["field"]) for fault in written] == [
        ("c.jsonl", "langauge"),
        ("c.jsonl", "kind"),
        ("c.jsonl", "id"),
        ("i.jsonl", "weight"),
        ("i.jsonl", "at"),
        ("i.jsonl", "item_id"),
    ]


def test_of_more_than_a_hundred_faults_in_a_row_the_rest_is_announced(folder: Path) -> None:
    row = good(availability=[{"market": 7}] * 5000, **{f"column {number}": number for number in range(60)})
    write_jsonl(folder / "c.jsonl", [good(id="b"), row])
    told = json.loads(run(check, "c.jsonl", "--json").stdout)
    assert told["rejected"] == 1
    fields = [fault["field"] for fault in told["faults"]]
    assert fields[0] == "column 0"
    assert fields[60:100] == [f"availability[{place}].market" for place in range(40)]
    assert fields[100:] == [""]
    assert told["faults"][100]["came"] == "more than 100"


@pytest.mark.parametrize("name", ["a - at `$.b", "a` - at `$[7].market`", "a`b", "...", "\n"])
def test_a_name_made_to_mislead_is_a_reject_like_others(folder: Path, name: str) -> None:
    write_jsonl(folder / "c.jsonl", [good(id="b"), good(availability=[{"market": "SE", name: 1}], kind="song")])
    told = json.loads(run(check, "c.jsonl", "--json").stdout)
    assert (told["accepted"], told["rejected"]) == (1, 1)
    fields = [fault["field"] for fault in told["faults"]]
    assert len(fields) == 2
    assert fields[0] == "kind"
    assert fields[1].startswith("availability[0]")


@pytest.mark.parametrize(
    ("fields", "field", "meant"),
    [
        ({"id": "."}, "id", "other than . and .."),
        ({"id": ".."}, "id", "other than . and .."),
        ({"language": "English"}, "language", "did you mean en?"),
        ({"availability": [{"market": "XW"}]}, "availability[0].market", '[{"market": "*"}]'),
        ({"availability": [{"market": "XE"}]}, "availability[0].market", "Europe"),
    ],
)
def test_what_nobody_could_ever_meet_is_refused_with_what_was_meant(
    folder: Path, fields: dict[str, Any], field: str, meant: str
) -> None:
    write_jsonl(folder / "c.jsonl", [good(id="ok"), good(**{"id": "bad", **fields})])
    result = run(check, "c.jsonl", "--rejects", "bad.jsonl", "--json")
    assert (result.exit_code, json.loads(result.stdout)["rejected"]) == (3, 1)
    (fault,) = (json.loads(line) for line in Path("bad.jsonl").read_bytes().splitlines())
    assert fault["field"] == field
    assert meant in fault["expected"]


def test_check_says_how_fast_it_read_what_took_a_while(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good(id=str(number)) for number in range(200_000)])
    result = run(check, "c.jsonl", "--json")
    rate = json.loads(result.stdout)["rows_per_s"]
    assert 1000 < rate < 100_000_000


def test_check_of_good_rows_leaves_nothing_behind(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good()])
    result = run(check, "c.jsonl")
    assert (result.exit_code, result.stdout) == (0, "catalogue: 1 rows read, 1 accepted, 0 rejected\n")
    assert [path.name for path in folder.iterdir()] == ["c.jsonl"]


def test_check_shows_fifty_rejects_and_says_where_the_rest_is(folder: Path) -> None:
    write_jsonl(folder / "c.jsonl", [good(), *[good(id="bad", kind="song")] * 60])
    lines = run(check, "c.jsonl").stdout.splitlines()
    assert len(lines) == 50 + 3
    assert lines[50] == "and 10 more in .nearfield/rejects/c.jsonl.rejects.jsonl"


# With ids of their own: packed bytes hold the second of packing, and two processes must collect the same tests.
@pytest.mark.parametrize(
    ("content", "match", "rejected"),
    [
        pytest.param(b"", "empty file", 1, id="empty"),
        pytest.param(b"\n\n", "no row at all came", 0, id="blank lines alone"),
        pytest.param(gzip.compress(jsonl([good()]))[:-8], "ends early", 1, id="ends early"),
        pytest.param(gzip.compress(jsonl([good(kind="song")] * 2)), "not one good row in 2", 2, id="no good row"),
    ],
)
def test_check_of_what_cannot_be_taken_prints_the_counts_and_fails(content: bytes, match: str, rejected: int) -> None:
    Path("c.jsonl.gz").write_bytes(content if content[:1] != b"\n" else gzip.compress(content))
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
    listed = run(import_, "--help").stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "rss",
        "table",
        *LISTEN_FORMATS.names,
        *IMPORTERS.names,
    ]


def test_import_of_feeds_prints_counts_and_notes(folder: Path) -> None:
    feeds = rss(
        item_of_feed("g1", "One"), item_of_feed("g2", " "), *(item_of_feed(f"h{n}", f"N{n}") for n in range(150))
    )
    (folder / "feed.xml").write_bytes(feeds)
    result = run(import_, "rss", "feed.xml", "missing-beside.xml", "data")
    assert isinstance(result.exception, NotFoundError)
    result = run(import_, "rss", "feed.xml", "data")
    assert result.stdout == "151 episodes in data: 151 new, 0 removed. Feeds: 1 read, 0 unchanged, 0 failed.\n"
    assert "1 episodes were not taken; see .nearfield/rejects/rss.rejects.jsonl" in result.stderr
    (folder / "feed.xml").write_bytes(rss(item_of_feed("g1", "One")))
    told = json.loads(run(import_, "rss", "feed.xml", "data", "--remove-missing", "--json").stdout)
    assert told == {
        **{"items": 1, "added": 0, "removed": 150, "feeds_read": 1, "feeds_unchanged": 0, "feeds_failed": 0},
        **{"notes": [], "rejected": 0, "folder": "data"},
    }


def test_a_local_address_is_asked_only_where_that_is_allowed() -> None:
    with podcast_host() as host:
        host.pages["/feed.xml"] = Page(rss(item_of_feed("g1", "One")))
        forgotten = run(import_, "rss", host.url("/feed.xml"), host.url("/other.xml"))
        assert isinstance(forgotten.exception, UsageError)
        assert "expected DIR, the folder of the catalogue, behind all SRC" in str(forgotten.exception)
        result = run(import_, "rss", host.url("/feed.xml"), "data")
        assert "--allow-local lets it be asked" in str(result.exception)
        assert host.asked == []
        assert run(import_, "rss", host.url("/feed.xml"), "data", "--allow-local").exit_code == 0
