"""What is done with every request before it is routed: HEAD, gzip both ways, CORS, the path that a proxy takes off."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from embedding.errors import UsageError
from service.api.compressed_answers import takes_gzip
from service.api.compressed_bodies import Gunzip
from service.api.request_body import MAX_BODY_BYTES
from service.app import create_app
from service.main import open_dependencies
from service.schemas.load_settings import load_settings
from service.schemas.settings import Settings
from tests.service.api.test_problems import problem
from tests.service.conftest import Client
from tests.service.world import ODD_ID

TOKEN = {"Authorization": "Bearer secret"}
QUERY = json.dumps({"seeds": [{"id": "metal-1"}], "context": {"market": "SE"}}).encode()


@pytest.fixture(scope="module")
def behind(tower_world: Path) -> Iterator[Client]:
    """Of a service below a path that is a part of its routes' own as well, open to every page."""
    settings = Settings(
        data_dir=tower_world, root_path="/similar", cors_origins=("*",), default_market="SE", admin_token="secret"
    )
    with TestClient(create_app(open_dependencies(settings))) as client:
        yield client


def test_a_root_path_is_taken_from_the_beginning_of_an_address_alone(behind: Client) -> None:
    assert behind.get("/v1/items/metal-1/similar").json()["hits"]
    assert behind.get("/v1/items/a%2Fb%20c%3F%25%C3%A9").json()["id"] == ODD_ID
    assert behind.post("/v1/similar", content=QUERY, headers={"Content-Type": "application/json"}).status_code == 200
    assert behind.get("/similar/v1/items/metal-1").status_code == 404, "the proxy takes it off"


def test_every_origin_is_allowed_without_being_named(behind: Client) -> None:
    answer = behind.get("/v1/items/metal-1", headers={"Origin": "null"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "origin" not in answer.headers.get("vary", "").lower()
    asks = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    before = behind.options("/v1/items", headers=asks)
    assert (before.status_code, before.headers["access-control-allow-origin"]) == (204, "*")
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()


def test_a_refusal_says_what_is_cached_for_whom(tower_world: Path) -> None:
    with TestClient(
        create_app(open_dependencies(Settings(data_dir=tower_world, cors_origins=("https://a.b",))))
    ) as one:
        answer = one.get("/v1/items/metal-1/similar?market=SE&limit=20", headers={"Accept-Encoding": "gzip"})
        assert {"Origin", "Accept-Encoding"} == set(answer.headers["vary"].split(", "))


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        *(("ROOT_PATH", wrong, "root_path") for wrong in ("music", "/music/", "/", "/a//b", "/a b", "https://a.b/c")),
        ("CORS_ORIGINS", "https://a.b/", "cors_origins"),
        ("CORS_ORIGINS", "a.b", "cors_origins"),
        ("CORS_ORIGINS", "https://A.b", "cors_origins"),
        ("CORS_ORIGINS", "https://c.d, https://a.b:443", "cors_origins"),
    ],
)
def test_what_no_proxy_or_browser_sends_is_no_setting(tmp_path: Path, variable: str, value: str, named: str) -> None:
    with pytest.raises(UsageError, match=f"(?i){named}"):
        load_settings(tmp_path, {f"NEARFIELD_{variable}": value}, {})


def test_origins_are_listed_with_commas_in_a_variable(tmp_path: Path) -> None:
    given = {"NEARFIELD_CORS_ORIGINS": "https://a.b, http://[::1]:3000,*", "NEARFIELD_ROOT_PATH": ""}
    settings = load_settings(tmp_path, given, {})
    assert settings.cors_origins == ("https://a.b", "http://[::1]:3000", "*")
    assert settings.root_path is None


@given(st.binary(max_size=2_000), st.lists(st.integers(1, 400), max_size=20), st.integers(1, 2_000))
def test_a_body_is_undone_alike_however_it_is_cut(plain: bytes, cuts: list[int], most: int) -> None:
    packed = gzip.compress(plain)
    gunzip, got, place = Gunzip(), b"", 0
    for cut in [*cuts, len(packed)]:
        got += gunzip.feed(packed[place : place + cut], most - len(got) + 1)
        place += cut
        if len(got) > most:
            break
    assert got == plain[: len(got)]
    assert len(got) == min(len(plain), most + 1)
    if len(plain) <= most:
        gunzip.end()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(QUERY, id="plain"),
        pytest.param(zlib.compress(QUERY), id="zlib"),
        pytest.param(gzip.compress(QUERY)[:-1], id="cut off"),
        pytest.param(gzip.compress(QUERY) + b"x", id="more behind"),
        pytest.param(gzip.compress(QUERY) * 2, id="twice"),
        pytest.param(gzip.compress(QUERY)[:-8] + b"12345678", id="wrong checksum"),
        pytest.param(b"", id="nothing"),
        pytest.param(gzip.compress(b""), id="nothing in gzip"),
    ],
)
def test_what_is_not_one_whole_gzip_stream_is_no_body(client: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    problem(client.post("/v1/similar", content=body, headers=headers), "malformed-json")


def test_a_body_is_bounded_as_it_is_sent_and_as_it_is_meant(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    def answered(body: bytes) -> Any:
        return client.post("/v1/similar", content=body, headers=headers)

    just = QUERY + b" " * (MAX_BODY_BYTES - len(QUERY))
    assert answered(gzip.compress(just)).status_code == 200
    problem(answered(gzip.compress(just + b" ")), "body-too-large")
    # A stream that is longer than what it stands for.
    stored = gzip.compress(just, compresslevel=0)
    assert len(stored) > MAX_BODY_BYTES
    problem(answered(stored), "body-too-large")
    problem(
        client.post("/v1/similar", content=QUERY, headers=headers | {"Content-Encoding": "zstd"}),
        "unsupported-media-type",
    )


def test_rows_may_be_put_in_gzip(behind: Client) -> None:
    refused = behind.put(
        "/v1/items",
        content=gzip.compress(b'{"items": [{"id": "x"}]}'),
        headers=TOKEN | {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert problem(refused, "invalid-request")["errors"][0]["field"] == "items[0].kind"


def test_the_files_of_the_page_are_packed_whole(client: Client) -> None:
    plain = client.get("/schema/assets/swagger-ui-bundle.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/schema/assets/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    icon = client.get("/schema/assets/favicon-32x32.png", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in icon.headers, "a picture is packed already"


@given(st.text(alphabet="gzip;q=01.,*- identy", max_size=40))
def test_any_header_says_whether_gzip_is_taken(text: str) -> None:
    taken = takes_gzip(text.encode())
    assert not taken or "gzip" in text or "*" in text


def test_a_failure_is_packed_and_answered_to_head_like_an_answer(client: Client) -> None:
    wrong = {"seeds": [{"id": f"unknown {number}"} for number in range(60)], "context": {"market": "SE"}}
    answer = client.post("/v1/similar", json=wrong, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    problem(answer, "unknown-seeds")
    head = client.head("/v1/search")
    assert (head.status_code, head.content, head.headers["allow"]) == (405, b"", "OPTIONS, POST")
