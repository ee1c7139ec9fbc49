"""A service over a real Qdrant server that dies, hangs and comes back: what a client sees, and how soon.

Plans that ask the engine are forced: a small release would be scanned from its columns.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from embedding.progress import Reporter
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.errors import KeyRefusedError, StoreError
from indexing.settings import IndexingSettings
from indexing.stores.server_connection import open_server
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.indexing.made_points import SCHEMA
from tests.qdrant_cluster import QdrantCluster, needs_qdrant_binary, running_cluster
from tests.service.conftest import Client
from tests.service.engine_plans import ask_the_engine

pytestmark = needs_qdrant_binary

TIMEOUT_S = 2.0
# Of a client in this process, the event loop's turns and the page besides.
AT_ONCE_S = 0.3
QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("similar", {"seeds": [{"id": "jazz-8"}], "context": {"explicit": False}}),
    ("recommend", {"history": [{"id": "metal-3"}]}),
    ("search", {"text": "jazz trio", "mode": "lexical"}),
    ("search", {"text": "a murder and the trial", "mode": "hybrid"}),
]


def build_on(cluster: QdrantCluster, source: Path, folder: Path, **more: Any) -> dict[str, Any]:
    """A release of the small world on the server, live; the settings that serve it."""
    on_server: dict[str, Any] = {"data_dir": folder, "qdrant_url": ",".join(cluster.urls), **more}
    inputs = BuildInputs(catalogue=source / "catalogue.jsonl", interactions=source / "interactions.jsonl", model=None)
    # The vectors of its texts are those of the world that was built before.
    settings = IndexingSettings(cache_dir=source.parent.parent / "vectors", **on_server)
    asyncio.run(build_from_settings(inputs, settings, Reporter("none"), activate=True))
    ask_the_engine(folder)
    return on_server


@contextmanager
def serving(on_server: dict[str, Any]) -> Iterator[Client]:
    settings = Settings(default_market="SE", query_timeout_s=TIMEOUT_S, **on_server)
    with TestClient(create_app(open_dependencies(settings))) as client:
        # The encoder is loaded once, before anything is timed.
        assert client.post("/v1/search", json={"text": "jazz"}).status_code == 200
        yield client


class Timed:
    """Asks all queries in turns, and keeps how long each took; none may take longer than its budget."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.times_s: list[float] = []
        self.degraded: list[bool] = []

    def ask(self, number: int) -> dict[str, Any]:
        kind, query = QUERIES[number % len(QUERIES)]
        if "text" in query:
            # Answers to the same words are kept, and need no engine. No item has this one.
            query = query | {"text": f"{query['text']} qx{len(self.times_s)}"}
        began = time.monotonic()
        response = self._client.post(f"/v1/{kind}", json=query)
        self.times_s.append(time.monotonic() - began)
        assert response.status_code == 200, response.text
        assert self.times_s[-1] < TIMEOUT_S
        answer: dict[str, Any] = response.json()
        self.degraded.append(answer.get("degraded") == ["engine"])
        return answer

    def ask_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.ask(len(self.times_s))

    def ask_until_whole(self, within_s: float) -> None:
        """Ask until the engine answers again."""
        until = time.monotonic() + within_s
        while self.ask(len(self.times_s)).get("degraded"):
            assert time.monotonic() < until, f"still degraded after {within_s} s"


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_killed_it_is_done_without_at_once_and_back_within_a_second(
    text_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cluster(1) as cluster:
        on_server = build_on(cluster, text_world / "source", tmp_path / "data")
        with serving(on_server) as client:
            asked = Timed(client)
            whole = [asked.ask(number) for number in range(len(QUERIES))]
            assert not any(asked.degraded)
            cluster.kill(0)
            for number, answer in enumerate(whole):
                again = asked.ask(number)
                # By meaning, another word is another query.
                assert ids(again) == ids(answer) or QUERIES[number][1].get("mode") == "hybrid"
                assert asked.times_s[-1] < AT_ONCE_S
            asked.ask_for(5.0)
            assert all(asked.degraded[len(QUERIES) :])
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["status"], ready.json()["engine"]) == (200, "ready", "away")
            cluster.restart(0)
            asked.ask_until_whole(1.0)
            assert client.get("/health/ready").json()["engine"] == "ready"
            print(
                f"{len(asked.times_s)} answers, the longest {max(asked.times_s):.3f} s, {sum(asked.degraded)} degraded"
            )
    away, back = lines_of(caplog)
    assert "does not answer" in away
    assert "answers again" in back


def test_stopped_for_fourteen_seconds_every_answer_comes_in_time(
    text_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cluster(1) as cluster:
        on_server = build_on(cluster, text_world / "source", tmp_path / "data")
        with serving(on_server) as client:
            asked = Timed(client)
            asked.ask_for(0.5)
            assert not any(asked.degraded)
            cluster.stop(0)
            asked.ask_for(14.0)
            # Three in a row wait half of their time; then nobody does.
            assert sum(took > AT_ONCE_S for took in asked.times_s) == 3
            cluster.cont(0)
            asked.ask_until_whole(1.0)
            print(
                f"{len(asked.times_s)} answers, the longest {max(asked.times_s):.3f} s, {sum(asked.degraded)} degraded"
            )
    assert len(lines_of(caplog)) == 2


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_of_three_nodes_with_two_copies_one_is_hardly_missed(
    fault: str, text_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cluster(3) as cluster:
        on_server = build_on(cluster, text_world / "source", tmp_path / "data", qdrant_replicas=2, qdrant_shards=3)
        with serving(on_server) as client:
            asked = Timed(client)
            asked.ask_for(0.5)
            assert not any(asked.degraded)
            for node in range(3):
                (cluster.kill if fault == "kill" else cluster.stop)(node)
                asked.ask_for(4.0)
                if fault == "kill":
                    cluster.restart(node)
                else:
                    cluster.cont(node)
                asked.ask_until_whole(2.0)
                asked.ask_for(2.0)
            share = sum(asked.degraded) / len(asked.degraded)
            print(f"{len(asked.times_s)} answers, the longest {max(asked.times_s):.3f} s, {share:.4f} degraded")
            assert share < 0.01
    assert not [line for line in lines_of(caplog) if "incident" in line]


def test_a_wrong_address_among_right_ones_is_passed_over(text_world: Path, tmp_path: Path) -> None:
    with running_cluster(1) as cluster:
        on_server = build_on(cluster, text_world / "source", tmp_path / "data")
        # Nothing listens on the first.
        on_server["qdrant_url"] = f"http://127.0.0.1:1,{cluster.urls[0]}"
        with serving(on_server) as client:
            asked = Timed(client)
            asked.ask_for(2.0)
            assert not any(asked.degraded)
            assert max(asked.times_s) < AT_ONCE_S


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT__SERVICE__API_KEY", "writes")
    monkeypatch.setenv("QDRANT__SERVICE__READ_ONLY_API_KEY", "reads")
    with running_cluster(1) as cluster:
        url = cluster.urls[0]

        async def create(api_key: str) -> None:
            store = open_server(IndexingSettings(qdrant_url=url, qdrant_api_key=api_key), wait_s=0)
            try:
                await store.create("c", SCHEMA)
            finally:
                await store.close()

        with pytest.raises(KeyRefusedError, match="the setting qdrant_api_key"):
            asyncio.run(create("reads"))
        asyncio.run(create("writes"))
        with pytest.raises(StoreError, match="qdrant_api_key"):
            asyncio.run(create("wrong"))
    assert not list(tmp_path.iterdir())
