"""Languages as rows and requests spell them: old tags are their successors, macrolanguages meet their members."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from embedding.rows import catalogue_parser
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.world import NO_LANGUAGE

TOKEN = {"Authorization": "Bearer s3cret"}
LANGUAGES = ("he", "iw-IL", "id", "in", "yi", "ji", "zh-Hans", "cmn-Hans-CN", "yue", "no", "nb", "nn-NO", "i-klingon")


def put(client: Client, *languages: str) -> Any:
    rows = [
        {"id": f"in {tag}", "kind": "episode", "title": "Jazz", "creator": "A show", "language": tag}
        for tag in languages
    ]
    return client.put("/v1/items", json={"items": rows}, headers=TOKEN)


def client_of(data_dir: Path) -> TestClient[Any]:
    settings = Settings(data_dir=data_dir, default_market="SE", admin_token="s3cret")
    return TestClient(create_app(open_dependencies(settings)))


@pytest.fixture(scope="module")
def client(tower_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service with a row in each of `LANGUAGES`."""
    with client_of(copied(tower_world, tmp_path_factory.mktemp("languages") / "world")) as client:
        answer = put(client, *LANGUAGES)
        assert answer.status_code == 200, answer.text
        yield client


def found(client: Client, **asked: Any) -> set[str]:
    """Languages of the rows that were put which `asked` meets."""
    answer = client.post("/v1/search", json={"text": "jazz", "mode": "lexical", "limit": 100, **asked})
    assert answer.status_code == 200, answer.text
    return {hit["id"].removeprefix("in ") for hit in answer.json()["hits"] if hit["id"].startswith("in ")}


MEETS = [
    ("he", {"he", "iw-IL"}),
    ("iw", {"he", "iw-IL"}),
    ("he-IL", {"iw-IL"}),
    ("id", {"id", "in"}),
    ("in", {"id", "in"}),
    ("ji", {"yi", "ji"}),
    ("zh", {"zh-Hans", "cmn-Hans-CN", "yue"}),
    ("cmn", {"zh-Hans", "cmn-Hans-CN"}),
    ("yue", {"yue"}),
    ("no", {"no", "nb", "nn-NO"}),
    ("nb", {"nb"}),
    ("NN", {"nn-NO"}),
    ("tlh", {"i-klingon"}),
    ("*", set(LANGUAGES)),
]


@pytest.mark.parametrize(("asked", "met"), MEETS)
def test_a_language_is_met_however_it_is_spelt(client: Client, asked: str, met: set[str]) -> None:
    assert found(client, context={"languages": [asked]}) == met
    assert found(client, filter={"field": "language", "equals": asked}) == met


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("en_US", "en-US"),
        ("EN us", "en-US"),
        ("english language", "en"),
        ("English", "en"),
        ("in Swedish, please", "sv"),
        ("e n", None),
        ("?", None),
        ("en-", "en"),
    ],
)
def test_a_range_that_is_none_is_refused_with_what_was_meant(client: Client, asked: str, meant: str | None) -> None:
    for field, body in (
        ("context.languages[1]", {"context": {"languages": ["sv", asked]}}),
        ("filter.equals", {"filter": {"field": "language", "equals": asked}}),
        ("filter.none[0].one_of", {"filter": {"none": [{"field": "language", "one_of": ["sv", asked]}]}}),
    ):
        answer = client.post("/v1/search", json={"text": "jazz", "mode": "lexical", **body})
        assert answer.status_code == 400, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert error["expected"].startswith("a language range such as en or en-US, or *")
        assert ("did you mean" in error["expected"]) == (meant is not None)
        assert meant is None or f"(did you mean {meant}?)" in error["expected"]
        assert asked in error["came"]
    by_get = client.get("/v1/items/jazz-8/similar", params={"languages": f"sv,{asked}"})
    assert by_get.json()["errors"][0]["field"].startswith("languages[")


def test_a_row_without_a_language_fulfils_no_condition_on_it(client: Client) -> None:
    def ids(**where: Any) -> set[str]:
        body = {"text": "jazz", "mode": "lexical", "limit": 100, "filter": where}
        return {hit["id"] for hit in client.post("/v1/search", json=body).json()["hits"]}

    spoken, silent = {"field": "language", "equals": "*"}, {"field": "language", "one_of": ["xx", "*"]}
    assert NO_LANGUAGE not in ids(**spoken)
    assert ids(**spoken) == ids(**silent)
    assert ids(none=[spoken]) == {NO_LANGUAGE}


def test_rows_are_shown_in_canonical_form(client: Client) -> None:
    shown = {tag: client.get(f"/v1/items/in {tag}").json()["language"] for tag in LANGUAGES}
    assert (shown["iw-IL"], shown["cmn-Hans-CN"], shown["i-klingon"]) == ("he-IL", "zh-Hans-CN", "tlh")
    assert [tag for tag in ("he", "no", "nn-NO", "yue") if shown[tag] != tag] == []


def test_a_language_that_is_none_is_refused_with_what_was_meant(client: Client) -> None:
    answer = put(client, "English")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "items[0].language"
    assert "did you mean en?" in error["expected"]


def test_what_an_earlier_version_kept_as_written_is_met_too(
    tower_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions took a tag as it stood; their releases and journals have it so."""
    with client_of(copied(tower_world, tmp_path / "world")) as client:
        with monkeypatch.context() as patched:
            patched.setattr(catalogue_parser, "canonical", lambda tag: tag)
            # Those took no tag that begins with one letter.
            assert put(client, *LANGUAGES[:-1]).status_code == 200
        assert client.get("/v1/items/in iw-IL").json()["language"] == "iw-IL"
        for asked, met in MEETS:
            assert found(client, context={"languages": [asked]}) == met - {"i-klingon"}
