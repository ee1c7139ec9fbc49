"""Words are found in every script, with and without spaces, and mistyped: by commands and HTTP alone.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too. Each catalogue is put together of common words of its language, so that the right answers are known: the
rows in whose titles a word stands.
"""

import json
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

Row = dict[str, Any]
MODES = ("lexical", "hybrid")
TOKEN = "0123456789abcdef"

JAPANESE_PLACES = ["京都", "東京", "大阪", "札幌", "沖縄", "横浜", "名古屋", "神戸"]
JAPANESE_THINGS = ["夜", "雨", "海", "歌", "料理", "歴史", "電車", "図書館", "花火", "アート", "ガール"]
JAPANESE = [
    *(f"{place}の{thing}" for place, thing in product(JAPANESE_PLACES, JAPANESE_THINGS)),
    *(f"{thing}と{place}を歩く" for place, thing in product(JAPANESE_PLACES, JAPANESE_THINGS)),
]
ARABIC_THINGS = ["كتاب", "قهوة", "بحر", "مطر", "تاريخ", "موسيقى", "رحلة", "صديق"]
ARABIC_PLACES = ["بيروت", "بغداد", "دمشق", "تونس", "مراكش", "عمان"]
ARABIC = [
    *(f"{thing} في {place}" for thing, place in product(ARABIC_THINGS, ARABIC_PLACES)),
    *(f"ال{thing} من {place}" for thing, place in product(ARABIC_THINGS, ARABIC_PLACES)),
    *(f"{place} وال{thing}" for thing, place in product(ARABIC_THINGS, ARABIC_PLACES)),
]
HINDI_PLACES = ["दिल्ली", "मुंबई", "वाराणसी", "जयपुर", "कोलकाता", "लखनऊ"]
HINDI_THINGS = ["कहानी", "बारिश", "रात", "ज़िंदगी", "हँसी", "किताब", "रसोई", "संगीत", "इतिहास"]
HINDI = [
    *(f"{place} की {thing}" for place, thing in product(HINDI_PLACES, HINDI_THINGS)),
    *(f"{thing} और {place}" for place, thing in product(HINDI_PLACES, HINDI_THINGS)),
    *(f"दिल में {thing}" for thing in HINDI_THINGS),
]
# By language, what its titles are put together of, and what stands between.
UNSPACED = {
    "zh": (["北京", "上海", "广州", "成都"], "的", ["夜晚", "历史", "音乐", "美食", "爱情"]),
    "th": (["กรุงเทพ", "เชียงใหม่", "ภูเก็ต"], "และ", ["เพลงรัก", "ทะเล", "อาหาร", "ประวัติศาสตร์", "ดนตรี"]),
    "km": (["ភ្នំពេញ", "សៀមរាប", "បាត់ដំបង"], "និង", ["ចម្រៀង", "សមុទ្រ", "ប្រវត្តិ", "ស្នេហា"]),
    "lo": (["ວຽງຈັນ", "ປາກເຊ", "ຫຼວງພະບາງ"], "ແລະ", ["ເພງຮັກ", "ທະເລ", "ອາຫານ", "ດົນຕີ"]),
    "ko": (["서울", "부산", "제주"], "의 ", ["바다", "음악", "역사", "여행"]),
}

# By title, its creator; what is typed for them stands below.
NAMES = {
    "Thunderstruck": "AC/DC",
    "Empire State of Mind": "Jay-Z",
    "Hyperballad": "Björk",
    "Ace of Spades": "Motörhead",
    "Лебединое озеро": "Чайковский",
    "Lanterns over the Estuary": "Kingfisher Parade",
    "Corridors of Marzipan": "The Velvet Abacus",
    "Il Bosco Addormentato": "Quartetto Ginestra",
    "Ω": "Seven Lampposts",
}


def catalogue() -> list[Row]:
    """Some seven hundred rows."""
    rows: list[Row] = []

    def write_titles(language: str, titles: list[str]) -> None:
        for number, title in enumerate(titles):
            item_id = f"{language}-{number}"
            rows.append({"id": item_id, "kind": "track", "title": title, "creator": "The Band", "language": language})

    write_titles("ja", JAPANESE)
    write_titles("ar", ARABIC)
    write_titles("hi", HINDI)
    for language, (places, between, things) in UNSPACED.items():
        write_titles(language, [f"{place}{between}{thing}" for place, thing in product(places, things)])
    for title, creator in NAMES.items():
        rows.append({"id": title, "kind": "track", "title": title, "creator": creator})
    # Filling, of which nothing is near the names.
    rows += [{"id": f"f-{number}", "kind": "track", "title": f"Song {number}", "creator": "Us"} for number in range(60)]
    hidden = {"title": "Metronomicon", "creator": "Nowhere Shown", "availability": [{"market": "JP"}]}
    rows.append({"id": "hidden", "kind": "track", **hidden})
    return rows


ROWS = catalogue()


def with_title(*parts: str) -> set[str]:
    """The ids of the rows in whose title all of these stand."""
    return {row["id"] for row in ROWS if all(part in row["title"] for part in parts)}


def typed(*arguments: str) -> None:
    result = CliRunner().invoke(nearfield, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    """The application in this process, over a release of all rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("scripts"))
        Path("nearfield.toml").write_text(f'default_market = "SE"\nadmin_token = "{TOKEN}"\n')
        Path("c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        typed("index", "build", "c.jsonl", "--activate")
        with TestClient(build_app()) as client:
            yield client


def found(client: TestClient[Any], text: str, mode: str = "lexical", limit: int = 100) -> list[str]:
    """The ids that a search for a text gives, best first."""
    body = {"text": text, "mode": mode, "limit": limit, "same_recording": True}
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def assert_found_first(client: TestClient[Any], text: str, right: set[str]) -> None:
    """The first that a search for words gives are those that are right, all of them."""
    assert right
    assert set(found(client, text)[: len(right)]) == right


@pytest.mark.parametrize("thing", JAPANESE_THINGS)
def test_a_word_of_japanese_is_found_within_a_title(client: TestClient[Any], thing: str) -> None:
    assert_found_first(client, thing, with_title(thing))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", ["京都 料理", "京都料理", "料理と京都", "京都　の　料理", "料理 京都"])
def test_japanese_is_found_with_and_without_spaces_and_particles(client: TestClient[Any], text: str, mode: str) -> None:
    assert set(found(client, text, mode)[:2]) == with_title("京都", "料理")


@pytest.mark.parametrize("text", ["京都のガール", "京都のカ\u3099ール", "京都のｶﾞｰﾙ"])
def test_a_title_of_japanese_is_found_however_it_is_composed(client: TestClient[Any], text: str) -> None:
    assert found(client, f"{text} 京都")[0] in with_title("京都のガール")


@pytest.mark.parametrize("language", list(UNSPACED))
def test_words_are_found_where_no_spaces_stand(client: TestClient[Any], language: str) -> None:
    places, _, things = UNSPACED[language]
    for word in (*places, *things):
        assert_found_first(client, word, with_title(word))
    for place, thing in zip(places, things, strict=False):
        assert_found_first(client, f"{thing} {place}", with_title(place, thing))
        assert_found_first(client, f"{thing}{place}", with_title(place, thing))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("كتاب", "كتاب"),
        ("الكتاب", "كتاب"),
        ("اَلْكِتَابُ", "كتاب"),
        ("والقهوة", "قهوة"),
        ("القهوه", "قهوة"),
        ("بالموسيقى", "موسيقى"),
        ("للبحر", "بحر"),
        ("مـــطر", "مطر"),
    ],
)
def test_arabic_is_found_with_and_without_its_signs_and_particles(
    client: TestClient[Any], text: str, word: str
) -> None:
    assert set(found(client, text)) == with_title(word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("बारिश", "बारिश"),
        ("जिंदगी", "ज़िंदगी"),
        ("ज़िंदगी", "ज़िंदगी"),
        ("हंसी", "हँसी"),
        ("दिल्ली", "दिल्ली"),
        ("दिल", "दिल में"),
        ("किताब", "किताब"),
    ],
)
def test_hindi_is_found_with_its_signs_kept_whole(client: TestClient[Any], text: str, word: str) -> None:
    for form in ("NFC", "NFD"):
        assert set(found(client, unicodedata.normalize(form, text))) == with_title(word)


MISTYPED = {
    # A letter too many, too few, another one, two that swapped places; the first letter, too.
    "Thunderrstruck": "Thunderstruck",
    "Hyperbalad": "Hyperballad",
    "Kimgfisher": "Lanterns over the Estuary",
    "Corridors of Marzipna": "Corridors of Marzipan",
    "Banterns": "Lanterns over the Estuary",
    "anterns": "Lanterns over the Estuary",
    "Motorhaed": "Ace of Spades",
    "Чайковскй": "Лебединое озеро",
    "adormentato bosko": "Il Bosco Addormentato",
    # One error in five letters.
    "Addromentatto": "Il Bosco Addormentato",
    # A space or a sign too few, or one too many; accents.
    "acdc": "Thunderstruck",
    "ac dc": "Thunderstruck",
    "jay z": "Empire State of Mind",
    "jayz": "Empire State of Mind",
    "Bjork": "Hyperballad",
    "Motorhead": "Ace of Spades",
    "sevenlampposts": "Ω",
    "lamp posts": "Ω",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", list(MISTYPED))
def test_what_was_meant_is_found_first(client: TestClient[Any], text: str, mode: str) -> None:
    assert found(client, text, mode)[0] == MISTYPED[text]


def test_a_word_that_was_journalled_is_meant_too(client: TestClient[Any]) -> None:
    assert "put" not in found(client, "Zugvogle")
    row = {"id": "put", "kind": "track", "title": "Zugvögel", "creator": "Us"}
    put = client.put("/v1/items", json={"items": [row]}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert put.status_code == 200, put.text
    assert found(client, "Zugvogle") == found(client, "Zugvogel") == ["put"]


def test_a_word_that_stands_somewhere_is_taken_as_it_is_typed(client: TestClient[Any]) -> None:
    # One letter away from `song`, which sixty rows have; `abacus` has one.
    assert found(client, "Abacus") == ["Corridors of Marzipan"]
    assert found(client, "Marzipan") == ["Corridors of Marzipan"]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_shown_of_a_row_whose_words_were_meant(client: TestClient[Any], mode: str) -> None:
    for text in ("Metronomicom", "Nowhere Shwon"):
        body = {"text": text, "mode": mode, "limit": 100, "context": {"market": "SE"}}
        answer = client.post("/v1/search", json=body)
        assert answer.status_code == 200
        assert "metronomicon" not in answer.text.lower()
        assert "hidden" not in [hit["id"] for hit in answer.json()["hits"]]
    body = {"text": "Metronomicom", "mode": mode, "context": {"market": "JP"}}
    assert client.post("/v1/search", json=body).json()["hits"][0]["id"] == "hidden"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "text",
    [
        "\u0e01" * 2_000,
        "\u0301" * 2_000,
        "\u17d2" * 2_000,
        "\U000323b0\U000323b1",
        "\U0001e2c0\U0001e2c1",
        "xq " * 600,
        " ".join(f"zq{chr(97 + number % 26)}{chr(97 + number // 26)}x" for number in range(300)),
        "q" * 2_000,
    ],
    ids=["one letter", "marks", "stackers", "new", "unknown script", "one word", "unknown words", "long word"],
)
def test_a_text_that_nobody_would_type_is_answered(client: TestClient[Any], text: str, mode: str) -> None:
    assert client.post("/v1/search", json={"text": text, "mode": mode}).status_code == 200


def test_a_text_of_two_megabytes_is_refused(client: TestClient[Any]) -> None:
    answer = client.post("/v1/search", json={"text": "long " * 400_000, "mode": "lexical"})
    assert answer.status_code in (400, 413)
    assert answer.json()["type"].startswith("urn:nearfield:problem:")
