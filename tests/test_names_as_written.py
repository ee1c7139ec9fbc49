"""Names and words are found, blocked and told apart as people write them: by commands and HTTP alone.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

Row = dict[str, Any]
# By the name that is blocked, asked for or filtered by, the name as a row has it.
SPELLINGS = {
    "Işın Karaca": "IŞIN KARACA",
    "Δημήτρης ΐ": "ΔΗΜΉΤΡΗΣ Ϊ\u0301",
    "Radiohead": "Radio\u200bhead",
    "Dalida": "\u200fDalida\u200e",
    "Don't Know": "Don’t Know",
    "El-P": "El‐P",
    "Shown Under": "Shown Under",
}
RULED = {"Gülşen Çırak": "GÜLŞEN ÇIRAK", "O'Hidden": "O’Hidden"}
# By what is typed, the word as the title of a row has it, among others: what is called just so would be found by name.
TITLES = {
    "Glória": "Glo\u0301ria",
    "Handbook": "Hand\u00adbook",
    "Δρόμος": "ΔΡΟΜΟΣ",
    "елка": "Ёлка",
    "قصة": "قِصَّة",
    "كتاب": "كتـــاب",
    "احمد": "أحمد",
    "שלום": "שָׁלוֹם",
    "\U00031350\U00031351": "\U00031350\U00031351",
}
# By a word, what is left of it where it is cut at a mark.
MARKED = {"हिन्दी": "दी", "ខ្មែរ": "មែរ"}
NUM_COLLIDING = 12


def catalogue() -> list[Row]:
    """A row for each of the above, two recordings that are one, and twelve rows alike of two words of one number."""
    rows: list[Row] = []

    def track(item_id: str, title: str, creator: str, **more: Any) -> None:
        rows.append({"id": item_id, "kind": "track", "title": title, "creator": creator, **more})

    for number, name in enumerate(SPELLINGS.values()):
        more = {"creators": ["Listed Else"]} if name == "Shown Under" else {}
        track(f"by-{number}", f"Zebra {number}", name, **more)
    for number, name in enumerate(RULED.values()):
        track(f"ruled-{number}", f"Walrus {number}", name)
    for number, title in enumerate([*TITLES.values(), *MARKED, *MARKED.values()]):
        track(f"titled-{number}", f"Chronicles of {title}", f"Band {number}")
    track("curly", "Don’t Stop", "The Sea‐Maps")
    track("straight", "Don't Stop", "The Sea-Maps")
    for number in range(NUM_COLLIDING):
        track(f"one-{number}", "police 43066", "Numbers", text="police 43066 police")
    for number in range(20):
        track(f"other-{number}", f"Song {number}", f"Others {number}")
    return rows


def typed(*arguments: str) -> None:
    result = CliRunner().invoke(nearfield, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)


def accept(rules: str) -> None:
    """Put rules in force as `serve` keeps them."""
    Path("rules.toml").write_text(rules)
    told = CliRunner().invoke(nearfield, ["rules", "check", "rules.toml", "--json"])
    version = json.loads(told.stdout)["version"]
    kept = Path(".nearfield", "rules")
    kept.mkdir(parents=True)
    (kept / f"{version}.toml").write_text(rules)
    (kept / "accepted").write_text(f"{version}\n")


def write(name: str, rows: list[Row]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    """The application in this process, over a release of words and of what goes with what."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("written"))
        rows = catalogue()
        listens = [{"user_id": f"u{user}", "item_id": row["id"]} for user in range(6) for row in rows[user::3]]
        accept(f"[blocked]\ncreators = {json.dumps(list(RULED), ensure_ascii=False)}\n")
        Path("nearfield.toml").write_text('rules = "rules.toml"\ndefault_market = "SE"\n')
        Path("train.toml").write_text('features = ["id", "creators"]\ndims = 8\nepochs = 1\n')
        files = ("--catalogue", write("c.jsonl", rows), "--interactions", write("i.jsonl", listens))
        typed("train", *files, "--config", "train.toml", "--split", "none", "--out", "model")
        typed("index", "build", "c.jsonl", "--model", "model", "--interactions", "i.jsonl", "--no-text", "--activate")
        with TestClient(build_app()) as client:
            yield client


def hits(client: TestClient[Any], text: str, **body: Any) -> dict[str, float]:
    """Scores by id of the lexical search for a text."""
    answer = client.post("/v1/search", json={"text": text, "mode": "lexical", "limit": 50, **body})
    assert answer.status_code == 200, answer.text
    return {hit["id"]: hit["score"] for hit in answer.json()["hits"]}


@pytest.mark.parametrize("number", range(len(RULED)))
def test_rules_block_a_name_in_every_spelling(client: TestClient[Any], number: int) -> None:
    assert f"ruled-{number}" not in hits(client, f"walrus {number}", same_recording=True)


@pytest.mark.parametrize("number", range(len(SPELLINGS)), ids=list(SPELLINGS))
def test_a_request_blocks_filters_by_and_asks_for_a_name_in_every_spelling(
    client: TestClient[Any], number: int
) -> None:
    name, item = list(SPELLINGS)[number], f"by-{number}"
    assert item in hits(client, f"zebra {number}")
    assert item not in hits(client, f"zebra {number}", context={"blocked_creators": [name]})
    assert item in hits(client, f"zebra {number}", filter={"field": "creators", "equals": name})
    # What is called just so comes first, by a whole number more.
    assert hits(client, name)[item] >= 1


@pytest.mark.parametrize("text", list(TITLES))
def test_a_title_is_found_however_it_is_composed_and_marked(client: TestClient[Any], text: str) -> None:
    assert f"titled-{list(TITLES).index(text)}" in hits(client, text)


@pytest.mark.parametrize("text", list(MARKED))
def test_words_are_not_cut_at_their_marks(client: TestClient[Any], text: str) -> None:
    first = len(TITLES)
    whole, part = first + list(MARKED).index(text), first + len(MARKED) + list(MARKED).index(text)
    found = hits(client, text)
    assert f"titled-{whole}" in found
    assert f"titled-{part}" not in found


def test_one_recording_comes_once_whatever_its_apostrophes(client: TestClient[Any]) -> None:
    assert len({"curly", "straight"} & hits(client, "don't stop").keys()) == 1
    assert {"curly", "straight"} <= hits(client, "don't stop", same_recording=True).keys()


def test_rows_alike_have_one_score_though_two_of_their_words_have_one_number(client: TestClient[Any]) -> None:
    for text in ("police", "43066"):
        found = hits(client, text, same_recording=True)
        scores = {score for item, score in found.items() if item.startswith("one-")}
        assert sum(item.startswith("one-") for item in found) == NUM_COLLIDING
        assert len(scores) == 1


@pytest.mark.parametrize("text", ["\u0001\u200b \u200e", "\u2028\u00ad"])
def test_only_what_cannot_be_seen_is_nothing(client: TestClient[Any], text: str) -> None:
    answer = client.post("/v1/search", json={"text": text, "mode": "lexical"})
    assert answer.status_code == 400
    assert client.post("/v1/search", json={"text": f"{text}\U00031350", "mode": "lexical"}).status_code == 200
