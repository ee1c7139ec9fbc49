"""A search that people keep: a team's own questions, the listener's own language, topics before stray words.

By commands and HTTP alone. Nothing is imported of the product but its commands and its application, nor of the other
tests: older builds can be asked, too.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

pytestmark = pytest.mark.usefixtures("folder")
Row = dict[str, Any]
MODES = ("semantic", "lexical", "hybrid")
TEXTS = {
    "bank": (
        "en-GB",
        "Rising prices",
        "Why everything in the shops costs more, and what the central bank does about it.",
    ),
    "loans": (
        "en-US",
        "The cost of borrowing",
        "Mortgages grow dearer as the economy overheats and money loses value.",
    ),
    "court": ("en", "Game seven", "Basketball: too little inflation of the ball, and a coach who shouts at everybody."),
    "bread": (
        "en",
        "Sourdough at home",
        "Flour, water, salt and a starter: how to bake a loaf with a crackling crust.",
    ),
    "pane": ("it", "Il pane in casa", "Farina, acqua, sale e lievito madre: come si cuoce una pagnotta con la crosta."),
    "soup": ("en", "Soups for winter", "A chef tells how to cook lentils, leeks and barley slowly."),
    "murder": ("en", "Who did it?", "A detective on an unsolved killing, and a trial without witnesses."),
    "delitto": ("it", "Chi è stato?", "Un investigatore, un omicidio irrisolto e un processo senza testimoni."),
    "stars": ("en", "Old light", "How telescopes see galaxies that were there before the Earth."),
    "goal": ("en", "Extra time", "A football final that was decided by penalties in the rain."),
}

# What else there is, so that a word of one row is a rare one.
OTHERS = (
    *("a gardener who grows roses", "a lighthouse on a rock", "an old violin and its maker", "trains in the mountains"),
    *("a choir of schoolchildren", "the smell of rain", "how bridges are painted", "a dog that finds truffles"),
    *("dancing in a village hall", "a museum of clocks", "letters from a sailor", "the history of the umbrella"),
    *("a swimmer in cold water", "why cats purr", "a theatre under the street", "the last cinema in town"),
    *("a chess player aged nine", "maps that were wrong", "beekeeping on a roof", "a radio play with ghosts"),
    *("learning to whistle", "the colour blue", "a potter and her kiln", "walking through fog"),
    *("a puppet maker", "songs of shepherds", "the moon seen from a bus", "a school for clowns"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A release of the texts above, in the working folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kept")
        patch.chdir(folder)
        Path("nearfield.toml").write_text('rules = "rules.toml"\ndefault_market = "SE"\nencoder_wait_s = 50\n')
        rows = [
            {"id": id, "kind": "episode", "title": title, "creator": f"Show {id}", "text": text, "language": language}
            for id, (language, title, text) in TEXTS.items()
        ]
        rows += [
            {"id": f"other-{number}", "kind": "episode", "title": f"Number {number}", "creator": "Others", "text": text}
            for number, text in enumerate(OTHERS)
        ]
        result = typed("index", "build", write("c.jsonl", *rows), "--activate")
        assert result.exit_code == 0, (result.output, result.exception)
        yield folder
    # No thread is inside torch when the interpreter ends.
    for thread in threading.enumerate():
        if thread.name == "load-encoder":
            thread.join()


@pytest.fixture
def client() -> Iterator[TestClient[Any]]:
    with TestClient(build_app()) as client:
        yield client


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(nearfield, list(arguments))


def write(name: str, *rows: Row) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def accept(rules: str) -> None:
    """Put rules in force as `serve` keeps them."""
    Path("rules.toml").write_text(rules)
    told = typed("rules", "check", "rules.toml", "--json")
    assert told.exit_code == 0, told.output
    version = json.loads(told.stdout)["version"]
    kept = Path(".nearfield", "rules")
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{version}.toml").write_text(rules)
    (kept / "accepted").write_text(f"{version}\n")


def asked(client: TestClient[Any], text: str, **body: Any) -> list[Row]:
    answer = client.post("/v1/search", json={"text": text, **body})
    assert answer.status_code == 200, answer.text
    hits: list[Row] = answer.json()["hits"]
    return hits


def evaluated(*arguments: str) -> Row:
    told = typed("search-eval", *arguments, "--json")
    assert told.exit_code == 0, (told.output, told.exception)
    report: Row = json.loads(told.stdout.splitlines()[-1])
    return report


def test_questions_of_a_team_are_asked_in_each_mode() -> None:
    questions: list[Row] = [
        {"query": "Rising prices", "wanted": ["bank"]},
        {"query": "how to bake", "grades": {"bread": 2, "pane": 1}},
        {"query": "un omicidio irrisolto", "wanted": ["delitto"], "languages": ["it"]},
        {"query": "omicidio", "wanted": ["delitto"], "context": {"languages": ["en"]}},
    ]
    report = evaluated(write("q.jsonl", *questions))
    assert report["questions"] == 4
    assert report["unknown"] == []
    assert set(report["modes"]) == set(MODES)
    for measures in report["modes"].values():
        assert set(measures) == {"recall@10", "mrr@10", "ndcg@10"}
        for one in measures.values():
            assert 0 <= one["low"] <= one["mean"] <= one["high"] <= 1
    # What is Italian does not come where English alone is wanted.
    assert report["modes"]["hybrid"]["recall@10"]["mean"] <= 0.75
    assert report["modes"]["lexical"]["mrr@10"]["mean"] >= 0.5


def test_questions_come_as_csv_too_and_are_told_in_a_table_and_a_plot() -> None:
    Path("q.csv").write_text("query,wanted,languages\nRising prices,bank;gone,\npagnotta,pane,it;en\n")
    told = typed("search-eval", "q.csv", "--mode", "lexical", "--plots", "plots", "--progress", "none")
    assert told.exit_code == 0, (told.output, told.exception)
    assert "1 of 3 wanted ids are not in release" in told.stderr
    assert "gone" in told.stderr
    assert "lexical  0.750 (0.500 to 1.000)" in told.stdout
    assert Path("plots", "search.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "row: expected a JSON object on one line"),
        ('{"wanted": ["bank"]}', "query: expected the text to search for, 1 to 2,000 characters, came nothing"),
        ('{"query": "a"}', "wanted: expected either `wanted` or `grades`, came neither"),
        ('{"query": "a", "wanted": []}', "wanted: expected a list of the ids that should be found"),
        ('{"query": "a", "wanted": "bank"}', "wanted: expected a list of the ids that should be found"),
        ('{"query": "a", "grades": {"bank": -1}}', "grades: expected an object of ids and grades from 0 to 100"),
        ('{"query": "a", "grades": {"bank": 0}}', "came nothing that should be found"),
        ('{"query": "a", "wanted": ["bank"], "grades": {"bank": 1}}', "either `wanted` or `grades`, came both"),
        ('{"query": "a", "wanted": ["bank"], "languages": ["English"]}', "languages[0]: expected"),
        (
            '{"query": "a", "wanted": ["bank"], "context": {"markt": "SE"}}',
            "context.markt: expected what the `context` of a search takes",
        ),
        ('{"query": "a", "wantd": ["bank"]}', "did you mean wanted?"),
    ],
)
def test_a_line_that_is_no_question_is_told_by_its_number(line: str, said: str) -> None:
    Path("bad.jsonl").write_text('{"query": "good", "wanted": ["bank"]}\n\n' + line + "\n")
    told = typed("search-eval", "bad.jsonl")
    assert told.exit_code == 1
    assert "bad.jsonl:3:" in str(told.exception)
    assert said in str(told.exception)


def test_what_cannot_be_asked_is_told() -> None:
    Path("empty.jsonl").write_text("\n")
    assert "not one came" in str(typed("search-eval", "empty.jsonl").exception)
    good = write("good.jsonl", {"query": "a", "wanted": ["bank"]})
    told = typed("search-eval", good, "--url", "https://127.0.0.1")
    assert "expected http://HOST:PORT" in str(told.exception)
    refused = write("refused.jsonl", {"query": "a", "wanted": ["bank"], "context": {"market": "UK"}})
    assert "market" in str(typed("search-eval", refused).exception)


def test_rules_prefer_the_language_that_a_listener_names_first(client: TestClient[Any]) -> None:
    accept("[own_language]\nboost = 0.4\n[switches.home]\nrules = ['own_language']\ndefault = true\n")
    both = {"context": {"languages": ["it", "en"]}, "explain": True, "limit": 60}
    plain = {hit["id"]: hit["score"] for hit in asked(client, "bread", switches={"home": False}, **both)}
    hits = asked(client, "bread", **both)
    assert {hit["id"] for hit in hits[:2]} == {"pane", "delitto"}
    assert {"pane", "delitto"} != {*list(plain)[:2]}
    for hit in hits:
        gained = 0.4 if hit.get("language") == "it" else 0.0
        assert hit["explain"]["score"]["own_language"] == pytest.approx(gained)
        assert hit["score"] == pytest.approx(plain[hit["id"]] + gained, abs=1e-5)
    # English by its range comes first for those who name it first, and who names none prefers none.
    english = asked(client, "pane", context={"languages": ["en", "it"]}, limit=8)
    assert all(hit["language"].startswith("en") for hit in english)
    assert [hit["id"] for hit in asked(client, "bread", limit=60)] == list(plain)
    accept("")
    assert [hit["id"] for hit in asked(client, "bread", context={"languages": ["it", "en"]}, limit=60)] == list(plain)


def test_what_is_about_a_topic_comes_before_what_has_one_of_its_words(client: TestClient[Any]) -> None:
    hits = asked(client, "interest rates and inflation", context={"languages": ["en"]}, limit=5)
    # Neither of the two has a word of the question; what has one is not lost.
    assert {hit["id"] for hit in hits[:2]} == {"bank", "loans"}
    assert "court" in {hit["id"] for hit in hits}


def test_a_score_is_explained_by_what_it_is_made_of(client: TestClient[Any]) -> None:
    hits = asked(client, "bread with a crust", explain=True, limit=10) + asked(client, "Game seven", explain=True)
    for hit in hits:
        parts = hit["explain"].get("hybrid", {"meaning": 0.0, "words": 0.0, "called": 0})
        joined = parts["meaning"] + 8 * parts["words"]
        worth = 0.5 + 0.5 * joined / (10 + abs(joined)) + parts["called"]
        assert worth == pytest.approx(hit["score"], abs=1e-4)
        assert 0 <= parts["words"] <= 1
    assert hits[0]["id"] == "bread"
    assert hits[10]["explain"]["hybrid"]["called"] == 2
