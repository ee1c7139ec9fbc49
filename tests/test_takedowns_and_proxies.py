"""Takedowns, the history of releases, and how browsers, proxies and their pages meet the service.

By commands and over HTTP alone, in one folder; nothing is imported of the product but its commands and the factory of
its application, nor of the other tests: older builds can be asked, too.
"""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from litestar import Litestar
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

TOKEN = {"Authorization": "Bearer a secret"}
WORDS = (
    "brass band",
    "slow piano",
    "field recordings",
    "loud guitars",
    "news at noon",
    "a choir",
    "drums",
    "two harps",
)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(nearfield, list(arguments))


def told(*arguments: str) -> Any:
    result = typed(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a release of eight rows, live; `NEARFIELD_*` variables and the working folder are as for it."""
    path = tmp_path_factory.mktemp("takedowns")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("NEARFIELD_ADMIN_TOKEN", "a secret")
        patch.setenv("NEARFIELD_DEFAULT_MARKET", "SE")
        patch.setenv("LOGNAME", "the-login-name")
        rows = [
            {"id": f"i{number}", "kind": "track", "title": words.title(), "creator": "A band", "text": words}
            for number, words in enumerate(WORDS)
        ]
        Path("c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        result = typed("index", "build", "c.jsonl", "--activate", "--json")
        assert result.exit_code == 0, result.output
        yield path


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[TestClient[Litestar]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in settings.items():
            patch.setenv(f"NEARFIELD_{name.upper()}", value)
        try:
            app = build_app()
        except Exception as error:
            pytest.fail(f"no service with {settings}: {error}")
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient[Litestar]]:
    with served(folder) as client:
        yield client


@pytest.fixture(scope="module")
def proxied(folder: Path) -> Iterator[Callable[[], TestClient[Litestar]]]:
    """Gives the service behind a proxy; the test that asks for it first fails where there is no such service."""
    with ExitStack() as stack:
        settings = {"root_path": "/music/near", "cors_origins": "https://a.example, http://localhost:3000"}
        yield cache(lambda: stack.enter_context(served(folder, **settings)))


# Takedowns.


@pytest.mark.parametrize(
    "words",
    [
        *(("takedown", "i1"), ("lift", "i1"), ("takedowns",), ("history",), ("status",), ("compact",)),
        *(("activate", "r1"), ("rollback",), ("sync", "c.jsonl"), ("diff", "c.jsonl"), ("doctor",)),
    ],
)
def test_where_there_is_no_release_nothing_is_made(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(folder / "c.jsonl", tmp_path)
    code = typed("index", *words).exit_code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.jsonl"]
    assert code == (0 if words[0] in ("takedowns", "history", "status") else 1)


def test_a_mistyped_id_is_named_and_the_others_are_taken_down(client: TestClient[Litestar]) -> None:
    result = typed("index", "takedown", "i2", "i-2", "i3", "--json", "--why", "a claim")
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout) == {"taken_down": ["i2", "i3"], "unknown": ["i-2"]}
    assert "i-2" in result.stderr
    assert "--ahead" in result.stderr
    assert client.put("/v1/items/i-2/takedown", headers=TOKEN).status_code == 404
    hidden = client.post("/v1/similar", json={"seeds": [{"id": "i1"}]}).json()["hits"]
    assert {"i2", "i3"}.isdisjoint(hit["id"] for hit in hidden)
    told("index", "lift", "i2", "i3")
    assert {one["id"] for one in told("index", "takedowns")["takedowns"]}.isdisjoint({"i2", "i3", "i-2"})


def test_an_id_is_hidden_before_it_comes_where_that_is_meant(client: TestClient[Litestar]) -> None:
    assert told("index", "takedown", "--ahead", "to-come")["taken_down"] == ["to-come"]
    refused = client.put("/v1/items/to-come-2/takedown", headers=TOKEN)
    assert (refused.status_code, "ahead=true" in refused.text) == (404, True)
    over_http = client.put("/v1/items/to-come-2/takedown?ahead=true", headers=TOKEN)
    assert (over_http.status_code, over_http.json()["known"]) == (200, False)
    assert {"to-come", "to-come-2"} <= {one["id"] for one in told("index", "takedowns")["takedowns"]}
    # What was said of once is no mistake the next time.
    assert client.put("/v1/items/to-come-2/takedown", headers=TOKEN).status_code == 200
    told("index", "lift", "to-come", "to-come-2")


def test_an_id_that_a_change_brought_and_took_away_is_known() -> None:
    row = {"id": "brief", "kind": "track", "title": "Here For A Moment", "creator": "A band"}
    Path("more.jsonl").write_text(Path("c.jsonl").read_text() + json.dumps(row) + "\n")
    told("index", "sync", "more.jsonl")
    told("index", "sync", "c.jsonl")
    assert typed("index", "takedown", "brief").exit_code == 0
    assert typed("index", "takedown", "briefer").exit_code == 1
    told("index", "lift", "brief")


def test_takedowns_are_listed_with_who_when_why_and_since_which_release(client: TestClient[Litestar]) -> None:
    live = told("index", "status")["live"]
    told("index", "takedown", "i4", "--why", "a claim")
    told("index", "takedown", "i5", "--by", "legal")
    assert client.put("/v1/items/i6/takedown?why=by%20phone", headers=TOKEN).status_code == 200
    listed = told("index", "takedowns")["takedowns"]
    assert [(one["id"], one["by"], one["why"], one["since_release"]) for one in listed] == [
        ("i4", "the-login-name", "a claim", live),
        ("i5", "legal", None, live),
        ("i6", "admin_token", "by phone", live),
    ]
    assert sorted(one["at"] for one in listed) == [one["at"] for one in listed]
    assert client.get("/v1/takedowns").status_code == 403
    assert client.get("/v1/takedowns", headers=TOKEN).json() == {"takedowns": listed}
    paged, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/takedowns?limit=2{cursor and '&cursor=' + cursor}", headers=TOKEN).json()
        paged += page["takedowns"]
        cursor = page.get("next_cursor")
    assert paged == listed
    wrong = client.get("/v1/takedowns?cursor=mine", headers=TOKEN)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "cursor")
    told("index", "compact")
    assert told("index", "takedowns")["takedowns"] == listed
    told("index", "lift", "i4", "i5", "i6")


# The history of releases.


def history() -> list[dict[str, Any]]:
    activations: list[dict[str, Any]] = told("index", "history")["activations"]
    return activations


def test_switches_are_kept_with_who_why_and_in_spite_of_what(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    rows = Path("c.jsonl").read_text().splitlines()
    explicit = json.dumps({**json.loads(rows[7]), "explicit": True})
    Path("newer.jsonl").write_text("\n".join([*rows[:2], explicit]) + "\n")
    told("index", "build", "newer.jsonl", "--activate", "--force", "--by", "release team", "--why", "autumn")
    first, *_, last, second = history()
    assert (first["by"], first["why"], first["forced"], first["widened"]) == ("the-login-name", None, [], False)
    assert (second["by"], second["why"], second["previous"]) == ("release team", "autumn", last["release"])
    assert "5 of the live release's 8 items" in second["forced"][0], "what --force passed over"
    assert typed("index", "rollback").exit_code == 1, "i7 would be open to more"
    assert history()[-1] == second
    told("index", "rollback", "--widen", "--by", "on call", "--why", "too many complaints")
    back = history()[-1]
    assert (back["action"], back["release"]) == ("rollback", last["release"])
    assert (back["by"], back["why"], back["widened"]) == ("on call", "too many complaints", True)
    with served(Path.cwd()) as client:
        url = f"/v1/releases/{second['release']}/activate?why=all%20is%20well"
        answer = client.post(url, headers=TOKEN)
        assert answer.status_code == 200, answer.text
    again = history()[-1]
    assert (again["release"], again["by"], again["why"]) == (second["release"], "admin_token", "all is well")
    table = typed("index", "history").stdout
    assert "on call" in table
    assert second["release"] in table


# Behind a proxy, and from pages of other origins.


def test_below_a_path_that_a_proxy_takes_off_the_page_and_its_files_are_found(
    proxied: Callable[[], TestClient[Litestar]],
) -> None:
    service = proxied()
    schema = service.get("/schema/openapi.json").json()
    assert schema["servers"] == [{"url": "/music/near"}]
    page = service.get("/schema").text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/music/near/schema/assets/{asset}" in page
        assert service.get(f"/schema/assets/{asset}").status_code == 200
    assert service.get("/v1/items/i1").json()["id"] == "i1"
    lost = service.get("/v1/nothing").json()["detail"]
    assert "/music/near/schema" in lost


def test_the_root_points_at_the_page(client: TestClient[Litestar], proxied: Callable[[], TestClient[Litestar]]) -> None:
    for page in ("/schema", "/music/near/schema"):
        answer = (client if page == "/schema" else proxied()).get("/", follow_redirects=False)
        assert answer.status_code in range(301, 309), answer.text
        assert answer.headers["location"] == page


def test_pages_of_the_origins_that_are_allowed_may_ask_and_no_others(
    proxied: Callable[[], TestClient[Litestar]],
) -> None:
    service = proxied()
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
    for origin in ("https://a.example", "http://localhost:3000"):
        before = service.options("/v1/similar", headers={"Origin": origin, **asks})
        assert before.status_code in (200, 204)
        assert before.headers["access-control-allow-origin"] == origin
        assert "POST" in before.headers["access-control-allow-methods"]
        assert "authorization" in before.headers["access-control-allow-headers"].lower()
        for path in ("/v1/items/i1", "/v1/items/nothing"):
            answer = service.get(path, headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin, "a page can read why it failed, too"
            assert "origin" in answer.headers["vary"].lower()
    other = {"Origin": "https://b.example"}
    assert "access-control-allow-origin" not in service.get("/v1/items/i1", headers=other).headers
    assert "access-control-allow-origin" not in service.options("/v1/similar", headers=other | asks).headers


def test_no_page_may_ask_unless_it_is_set(client: TestClient[Litestar]) -> None:
    headers = client.get("/v1/items/i1", headers={"Origin": "https://a.example"}).headers
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/v1/items/i1", "/v1/items/i1/similar?limit=3", "/health/live", "/schema", "/v1/no"])
def test_head_is_get_without_the_body(client: TestClient[Litestar], path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_head_is_told_beside_get(client: TestClient[Litestar]) -> None:
    for answer in (client.options("/v1/items/i1"), client.patch("/v1/items/i1")):
        assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))
    assert "HEAD" not in client.get("/v1/similar").headers["allow"]


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        *(("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("GZIP", True)),
        *(("identity", False), ("gzip;q=0", False), ("br", False), ("*, gzip;q=0", False), ("", False)),
        ("gzip;q=0.5, identity;q=1", False),
    ],
)
def test_answers_are_packed_for_those_who_say_that_they_take_it(
    client: TestClient[Litestar], accepted: str, packed: bool
) -> None:
    asked = {"seeds": [{"id": "i1"}], "limit": 7}
    answer = client.post("/v1/similar", json=asked, headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert len(answer.json()["hits"]) == 7
    if packed:
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert int(answer.headers["content-length"]) < len(answer.content)


def post(client: TestClient[Litestar], body: bytes, coding: str) -> Any:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    return client.post("/v1/similar", content=body, headers=headers)


def test_a_body_in_gzip_is_read_as_the_plain_one(client: TestClient[Litestar]) -> None:
    body = json.dumps({"seeds": [{"id": "i1"}], "limit": 3}).encode()
    plain, packed = post(client, body, "identity"), post(client, gzip.compress(body), "gzip")
    assert packed.status_code == 200, packed.text
    assert packed.json() == plain.json()


def test_a_body_that_unpacks_to_more_than_a_body_may_have_is_too_large(client: TestClient[Litestar]) -> None:
    assert post(client, gzip.compress(b" " * 100_000_000), "gzip").status_code == 413


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "compress"])
def test_a_body_packed_in_another_way_is_told_what_is_taken(client: TestClient[Litestar], coding: str) -> None:
    refused = post(client, b'{"seeds": [{"id": "i1"}]}', coding)
    assert refused.status_code == 415, refused.text
    assert refused.headers["accept-encoding"] == "gzip"
