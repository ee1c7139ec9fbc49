"""The leak hunt finds what is planted, in the index, in the answers and in the rules, and nothing where nothing is."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from embedding.errors import UsageError
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Item, Window
from indexing.state.file_rules import AcceptedRules
from service.cli import nearfield
from service.hunt.plain_filter import fulfils
from service.hunt.plain_rules import Asked, PlainRules
from tests.copied_folders import copied
from tests.service.engine_plans import ask_the_engine
from tests.service.loaded.test_leaks import plant
from tests.service.world import EXPLICIT, NOT_YET_OPEN, US_ONLY, make_items

ROUTES = {
    *{"predicate", "engine", "columns", "similar", "mix", "GET similar", "recommend", "search", "fallback", "batch"},
    *{"facets", "items", "suggest"},
}


def hunted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, pairs: int = 4_000
) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `nearfield rules hunt` in `folder`, whose world is in `folder/world`."""
    monkeypatch.chdir(folder)
    (folder / "nearfield.toml").write_text('data_dir = "world"\n')
    if not any(option.endswith(".jsonl") for option in options):
        options = ("world/source/catalogue.jsonl", *options)
    ended = CliRunner().invoke(nearfield, ["rules", "hunt", *options, "--pairs", str(pairs), "--json"])
    assert ended.exit_code in (0, 1), ended.output
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    # A count that is wrong names no item; how often one was is told by its route.
    found["findings"] = [one for one in found["findings"] if one["route"] != "facets"]
    return ended.exit_code, found


@pytest.fixture
def folder(text_world: Path, tmp_path: Path) -> Path:
    copied(text_world, tmp_path / "world")
    return tmp_path


def write(folder: Path, items: list[Item]) -> str:
    with RowFiles(folder) as files:
        files.write_items("other.jsonl", items)
    return str(folder / "other.jsonl")


def changed(item_id: str, **fields: Any) -> list[Item]:
    return [msgspec.structs.replace(item, **fields) if item.id == item_id else item for item in make_items()]


def test_nothing_is_found_where_nothing_is_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = folder / "rules.toml"
    rules.write_text(
        '[explicit]\nunknown = "deny"\n[languages]\nunknown = "deny"\n'
        '[blocked]\nitems = ["metal-3"]\ncreators = ["CRIME  makers 2"]\n'
    )
    version = AcceptedRules(folder / "world" / "rules").propose(rules)
    code, found = hunted(folder, monkeypatch, pairs=8_000)
    assert (code, found["leaks"], found["wrong"], found["findings"]) == (0, 0, 0, [])
    assert found["pairs"] >= 8_000
    assert found["contexts"] >= 8_000 / 80
    assert found["rules_version"] == version
    assert found["absent"] == found["stopped"] == 0
    asked = {route for route, count in found["routes"].items() if count["questions"] and count["judged"]}
    assert asked >= ROUTES


def test_a_row_that_the_file_forbids_and_the_service_shows_is_a_leak_on_every_route(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is the truth: there, an item that the release holds as clean is explicit."""
    catalogue = write(folder, changed("metal-3", explicit=True))
    code, found = hunted(folder, monkeypatch, catalogue)
    assert code == 1
    assert {route for route, count in found["routes"].items() if count["leaks"]} >= ROUTES
    assert {finding["item"] for finding in found["findings"]} == {"metal-3"}
    assert {finding["rule"] for finding in found["findings"]} == {"explicit"}
    # What was asked can be sent again.
    assert all("context" in finding["request"] for finding in found["findings"] if finding["route"] == "similar")


def test_a_permitted_row_that_never_comes_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, found = hunted(folder, monkeypatch, write(folder, changed(US_ONLY, availability=(Window("*"),))))
    assert code == 1
    assert found["leaks"] == 0
    assert {route for route, count in found["routes"].items() if count["missing"]} >= ROUTES - {
        "batch",
        "fallback",
        "suggest",
    }
    assert {finding["item"] for finding in found["findings"]} == {US_ONLY}


def test_one_recording_twice_is_found_but_where_it_was_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file three tracks are one recording, which the release knows nothing of."""
    twins = [
        msgspec.structs.replace(item, title="Twice", creator="Twin", creators=("Twin",))
        if item.id in ("metal-2", "metal-5", "metal-7")
        else item
        for item in make_items()
    ]
    code, found = hunted(folder, monkeypatch, write(folder, twins))
    assert code == 1
    assert {route for route, count in found["routes"].items() if count["duplicates"]} >= {"similar", "batch"}
    for finding in (one for one in found["findings"] if one["found"] == "duplicate"):
        assert "same_recording" not in json.dumps(finding["request"])


def test_rules_that_are_in_force_and_not_in_the_file_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = folder / "theirs.toml"
    rules.write_text('[blocked]\nitems = ["cooking-4"]\n')
    code, found = hunted(folder, monkeypatch, "--rules", str(rules))
    assert code == 1
    assert {(one["found"], one["item"], one["rule"]) for one in found["findings"]} == {("leak", "cooking-4", "blocked")}


def test_a_stale_payload_and_a_lapsed_window_in_the_index_are_stopped_and_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(folder / "world")
    ask_the_engine(folder / "world")
    code, found = hunted(folder, monkeypatch)
    assert code == 1
    wrong = {route: count["leaks"] for route, count in found["routes"].items() if count["leaks"]}
    # The engine's filter lets them pass, and the re-check lets nobody see them.
    assert set(wrong) == {"engine"}
    assert {finding["item"] for finding in found["findings"]} == {US_ONLY, NOT_YET_OPEN}
    assert found["stopped"] > 0


def test_items_that_were_taken_down_are_counted_and_not_missed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "nearfield.toml").write_text('data_dir = "world"\n')
    ended = CliRunner().invoke(nearfield, ["index", "takedown", EXPLICIT])
    assert ended.exit_code == 0, ended.output
    code, found = hunted(folder, monkeypatch)
    assert (code, found["wrong"], found["absent"]) == (0, 0, 1)


def test_as_a_table_it_says_what_was_asked_and_how_often(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "nearfield.toml").write_text('data_dir = "world"\n')
    ended = CliRunner().invoke(nearfield, ["rules", "hunt", "world/source/catalogue.jsonl", "--pairs", "200"])
    assert ended.exit_code == 0
    assert "leaks = 0" in ended.stdout
    assert "GET similar" in ended.stdout


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "https://h", "http://h/v1", "http://", "http://[h", "http://h:x"])
def test_an_address_that_is_none_is_wrong_use(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(Exception, match="expected http://HOST:PORT"):
        CliRunner().invoke(
            nearfield, ["rules", "hunt", "world/source/catalogue.jsonl", "--url", url], catch_exceptions=False
        )


def test_rules_that_are_no_toml_are_wrong_use(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    rules = tmp_path / "rules.toml"
    for written in (b"[explicit", b"\xff", b"a = " + b"[" * 2_000):
        rules.write_bytes(written)
        arguments = ["world/source/catalogue.jsonl", "--url", "http://127.0.0.1:1", "--rules", str(rules)]
        with pytest.raises(UsageError, match="expected a rules file in TOML"):
            CliRunner().invoke(nearfield, ["rules", "hunt", *arguments], catch_exceptions=False, standalone_mode=False)


ITEM = Item(id="a", kind="track", title="A", creator="Ana  B")
SE = Asked(market="SE", at_s=1_000)
OPEN = (Window("SE", 1_000, 2_000), Window("US"))


@pytest.mark.parametrize(
    ("says", "item", "asked", "rule"),
    [
        ({}, {}, {}, None),
        ({}, {"availability": OPEN}, {}, None),
        ({}, {"availability": OPEN}, {"at_s": 999}, "windows"),
        ({}, {"availability": OPEN}, {"at_s": 1_999}, None),
        ({}, {"availability": OPEN}, {"at_s": 2_000}, "windows"),
        ({}, {"availability": OPEN}, {"market": "US", "at_s": 5}, None),
        ({}, {"availability": OPEN}, {"market": "DE"}, "windows"),
        ({}, {"min_age": 16}, {}, "age"),
        ({}, {"min_age": 16}, {"age": 15}, "age"),
        ({}, {"min_age": 16}, {"age": 16}, None),
        ({}, {"explicit": True}, {"explicit": False}, "explicit"),
        ({}, {"explicit": None}, {"explicit": False}, None),
        ({"explicit": {"unknown": "deny"}}, {"explicit": None}, {"explicit": False}, "explicit"),
        ({"explicit": {"unknown": "deny"}}, {"explicit": None}, {}, None),
        ({}, {"language": "en-US"}, {"languages": ("EN",)}, None),
        ({}, {"language": "enm"}, {"languages": ("en",)}, "languages"),
        ({}, {"language": "iw-IL"}, {"languages": ("he",)}, None),
        ({}, {"language": "nb-NO"}, {"languages": ("no",)}, None),
        ({}, {"language": "no"}, {"languages": ("nb", "nn")}, "languages"),
        ({}, {"language": "en"}, {"languages": ("en-US", "it")}, "languages"),
        ({"languages": {"unknown": "deny"}}, {}, {"languages": ("*",)}, "languages"),
        ({}, {}, {"kinds": ("episode",)}, "kinds"),
        ({"kinds": {"allowed": ["episode"]}}, {}, {}, "kinds"),
        ({"blocked": {"items": ["a"]}}, {}, {}, "blocked"),
        ({"blocked": {"creators": ["ANA B"]}}, {}, {}, "blocked"),
        ({}, {"creators": ("x", "ana b")}, {"blocked_creators": (" Ana b",)}, "blocked"),
        ({}, {"creators": ("x",)}, {"blocked_creators": ("Ana B",)}, "blocked"),
        ({}, {"creators": ("x",)}, {"blocked_creators": ("Ana C",)}, None),
        ({"tags": {"allowed": ["jazz"]}}, {}, {}, "tags"),
        ({"tags": {"denied": ["jazz"]}}, {"tags": ("calm", "jazz")}, {}, "tags"),
        ({"published": {"after": "1970-01-02"}}, {"published_at": 86_399}, {}, "published"),
        ({"published": {"before": "1970-01-02"}}, {"published_at": 86_399}, {}, None),
        ({"published": {"after": "1970-01-02T00:00:00.5Z"}}, {"published_at": 86_400}, {}, "published"),
        ({"published": {"before": "1970-01-02T00:00:00.5Z"}},
         {"published_at": 86_400, "published_fraction_us": 500_000}, {}, "published"),
        ({"published": {"before": "1970-01-02", "unknown": "deny"}}, {}, {}, "published"),
        ({"duration": {"min_s": 10, "max_s": 20}}, {"duration_s": 20.0}, {}, None),
        ({"duration": {"min_s": 10}}, {"duration_s": 9.5}, {}, "duration"),
        ({"extra": {"bpm": {"type": "integer", "max": 9}}}, {"extra": {"bpm": 9.0}}, {}, None),
        ({"extra": {"bpm": {"type": "float", "max": 9}}}, {"extra": {"bpm": 10}}, {}, "extra.bpm"),
        ({"extra": {"live": {"type": "keyword", "denied": ["true"]}}}, {"extra": {"live": True}}, {}, "extra.live"),
    ],
)  # fmt: skip
def test_the_plain_rules(says: dict[str, Any], item: dict[str, Any], asked: dict[str, Any], rule: str | None) -> None:
    row = msgspec.structs.replace(ITEM, **item)
    assert PlainRules(says).forbids(row, msgspec.structs.replace(SE, **asked)) == rule


@pytest.mark.parametrize(
    ("item", "where", "fulfilled"),
    [
        ({}, {"field": "kind", "equals": "track"}, True),
        ({}, {"none": [{"field": "kind", "one_of": ["track", "episode"]}]}, False),
        ({}, {"field": "creators", "one_of": ["ANA b"]}, True),
        ({"creators": ("x", "y")}, {"field": "creators", "equals": "Ana B"}, True),
        ({"creators": ("x", "y")}, {"field": "creators", "equals": "Ana C"}, False),
        ({"tags": ("Jazz",)}, {"field": "tags", "one_of": ["jazz"]}, False),
        ({"language": "en-US"}, {"field": "language", "one_of": ["en"]}, True),
        ({"language": "enm"}, {"field": "language", "one_of": ["en"]}, False),
        ({"explicit": None}, {"field": "explicit", "equals": False}, False),
        ({"explicit": None}, {"none": [{"field": "explicit", "equals": False}]}, True),
        ({"duration_s": 9.0}, {"field": "duration_s", "range": {"gte": 9, "lt": 10}}, True),
        ({"duration_s": 9.0}, {"field": "duration_s", "range": {"gt": 9}}, False),
        ({}, {"field": "duration_s", "range": {"lt": 1e9}}, False),
        ({"published_at": 86_400}, {"field": "published_at", "range": {"lte": "1970-01-02"}}, True),
        ({"published_at": 86_400, "published_fraction_us": 1},
         {"field": "published_at", "range": {"lte": "1970-01-02"}}, False),
        ({}, {"all": [{"field": "min_age", "equals": 0}, {"any": [{"field": "kind", "equals": "x"}]}]}, False),
    ],
)  # fmt: skip
def test_the_plain_filter(item: dict[str, Any], where: dict[str, Any], fulfilled: bool) -> None:
    assert fulfils(msgspec.structs.replace(ITEM, **item), where) == fulfilled


def test_a_switch_takes_a_rule_out_of_force() -> None:
    says = {"tags": {"denied": ["jazz"]}, "switches": {"bold": {"rules": ["tags"], "default": True}}}
    jazz = msgspec.structs.replace(ITEM, tags=("jazz",))
    assert PlainRules(says).forbids(jazz, SE) == "tags"
    assert PlainRules(says).forbids(jazz, msgspec.structs.replace(SE, switches={"bold": False})) is None
    says["switches"]["bold"]["default"] = False  # type: ignore[index]
    assert PlainRules(says).forbids(jazz, SE) is None
