"""What a reader sees when an address dies, hangs or was wrong from the start: quick answers, or quick errors.

The servers are stand-ins that speak the same gRPC; tests/service/api/test_server_faults.py has the real one.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import numpy as np
import pytest

from indexing.errors import CollectionMissingError, EngineAwayError, StoreError
from indexing.settings import IndexingSettings
from indexing.stores.answer_budget import AnswerBudget
from indexing.stores.contract import Ranked, SearchParams
from indexing.stores.server import ServerStore
from indexing.stores.server_connection import open_server, warnings_of
from tests.free_ports import refusing_port
from tests.indexing.stores.standins import standins

VECTOR = np.ones(4, np.float32)
# Half of it is what a server that hangs may take: by far longer than a busy machine needs for an answer, so that who
# waited for one that hangs is told from who did not.
BUDGET_S = 60.0
AT_ONCE_S = BUDGET_S / 3
# Where it is waited for one that hangs.
SHORT_S = 1.0


def settings_of(*urls: str) -> IndexingSettings:
    return IndexingSettings(qdrant_url=",".join(urls))


async def search(store: ServerStore, collection: str = "c") -> Ranked:
    return await store.nearest(collection, VECTOR, using="text", where=None, limit=1, params=SearchParams())


async def answer(store: ServerStore, budget_s: float = BUDGET_S) -> int | None:
    """The port of whoever answered within the budget, None where the engine is away."""
    try:
        with AnswerBudget(budget_s):
            return (await search(store)).rows[0]
    except EngineAwayError:
        return None


async def answer_at_once(store: ServerStore) -> int | None:
    """As `answer`, without waiting for a server that hangs."""
    began = time.monotonic()
    found = await answer(store)
    assert time.monotonic() - began < AT_ONCE_S
    return found


def with_store(settings: IndexingSettings, work: Callable[[ServerStore], Awaitable[None]]) -> None:
    store = open_server(settings, wait_s=0)

    async def run() -> None:
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


async def until_back(store: ServerStore, port: int) -> None:
    """Ask as requests do, until the address answers again."""
    until = time.monotonic() + BUDGET_S
    while await answer_at_once(store) != port:
        assert time.monotonic() < until, "not asked again"
        await asyncio.sleep(0.01)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_server_that_is_killed_costs_no_time_and_is_asked_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with standins() as (one,):

        async def work(store: ServerStore) -> None:
            assert await answer(store) == one.port
            one.kill()
            assert [await answer_at_once(store) for _ in range(200)] == [None] * 200
            await asyncio.sleep(2.0)
            assert await answer(store) is None
            one.start()
            await until_back(store, one.port)

        with_store(settings_of(one.url), work)
    away, back = lines_of(caplog)
    assert away.startswith(f"Qdrant at {one.url} does not answer: could not search collection 'c': UNAVAILABLE")
    assert back.startswith(f"Qdrant at {one.url} answers again, after ")


def test_a_server_that_hangs_takes_half_of_the_time_of_three_answers(caplog: pytest.LogCaptureFixture) -> None:
    with standins() as (one,):

        async def work(store: ServerStore) -> None:
            assert await answer(store) == one.port
            one.stop()
            for _ in range(3):
                began = time.monotonic()
                assert await answer(store, SHORT_S) is None
                assert SHORT_S * 0.4 < time.monotonic() - began < AT_ONCE_S
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                # It is tried again and again, and nobody waits for that.
                assert await answer_at_once(store) is None
                await asyncio.sleep(0.02)
            one.go_on()
            await until_back(store, one.port)

        with_store(settings_of(one.url), work)
    assert len(lines_of(caplog)) == 2


def test_of_two_addresses_the_one_that_hangs_delays_few(caplog: pytest.LogCaptureFixture) -> None:
    with standins(2) as (one, other):

        async def work(store: ServerStore) -> None:
            # They are asked in turns.
            assert {await answer(store) for _ in range(4)} == {one.port, other.port}
            one.stop()
            # Half of these begin at the one that hangs, and have half of their time left for the other one.
            budget_s = 3.0
            for _ in range(6):
                assert await answer(store, budget_s) == other.port
            for _ in range(20):
                assert await answer_at_once(store) == other.port
            one.go_on()
            await until_back(store, one.port)

        with_store(settings_of(one.url, other.url), work)
    assert [line.split()[2] for line in lines_of(caplog)] == [one.url, one.url]


def test_of_two_addresses_the_one_that_dies_is_not_missed() -> None:
    with standins(2) as (one, other):

        async def work(store: ServerStore) -> None:
            one.kill()
            assert [await answer(store) for _ in range(20)] == [other.port] * 20
            # Where no answer is due, as in a command, the other one is asked as well.
            assert (await search(store)).rows == [other.port]
            other.kill()
            with pytest.raises(EngineAwayError, match="UNAVAILABLE"):
                await search(store)

        with_store(settings_of(one.url, other.url), work)


def test_a_wrong_address_among_right_ones_is_told_and_the_others_serve() -> None:
    with standins(2) as (one, other), refusing_port() as port:
        # gRPC is at the port after that of the address.
        wrong = f"http://127.0.0.1:{port - 1}"
        settings = settings_of(one.url, wrong, other.url)

        (told,) = warnings_of(settings)
        assert wrong in told
        assert "UNAVAILABLE" in told
        assert one.url not in told

        async def work(store: ServerStore) -> None:
            assert {await answer(store) for _ in range(10)} == {one.port, other.port}

        with_store(settings, work)


def test_an_address_that_is_no_server_of_ours_is_asked_for_nothing_twice() -> None:
    with standins(2) as (one, other):

        async def work(store: ServerStore) -> None:
            with AnswerBudget(BUDGET_S), pytest.raises(CollectionMissingError, match="NOT_FOUND"):
                await search(store, "missing")
            # Both answered: neither is left alone.
            assert {await answer(store) for _ in range(4)} == {one.port, other.port}

        with_store(settings_of(one.url, other.url), work)


@pytest.mark.parametrize(
    ("collection", "kind", "words"),
    [
        ("broken", EngineAwayError, "INTERNAL"),
        # Who may not even read can do without as well, and is told which setting it is.
        ("forbidden", EngineAwayError, "PERMISSION_DENIED.*the setting qdrant_api_key"),
        ("wrong", StoreError, "INVALID_ARGUMENT"),
        ("missing", CollectionMissingError, "NOT_FOUND"),
    ],
)
def test_what_a_server_refuses_is_told_in_its_words(
    collection: str, kind: type[StoreError], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with standins() as (one,):

        async def work(store: ServerStore) -> None:
            with AnswerBudget(BUDGET_S), pytest.raises(StoreError, match=words) as caught:
                await search(store, collection)
            assert type(caught.value) is kind

        with_store(settings_of(one.url), work)
    assert len(lines_of(caplog)) == (kind is EngineAwayError)


def test_where_no_address_answers_each_is_named() -> None:
    with refusing_port() as first, refusing_port() as second:
        urls = [f"http://127.0.0.1:{port - 1}" for port in (first, second)]
        with pytest.raises(StoreError, match="no Qdrant server answered") as caught:
            open_server(settings_of(*urls), wait_s=0)
        assert all(url in str(caught.value) for url in urls)
        # The start fails with that; there is nothing to warn of beside it.
        assert warnings_of(settings_of(*urls)) == []


def test_a_late_answer_is_none() -> None:
    with standins(sleep_s=0.3) as (one,):

        async def work(store: ServerStore) -> None:
            assert await answer(store) == one.port
            assert await answer(store, 0.5) is None
            with AnswerBudget(0.03), pytest.raises(EngineAwayError, match="no time is left"):
                await search(store)
            # A command takes the time that it takes.
            assert (await search(store)).rows == [one.port]

        with_store(settings_of(one.url), work)


def test_a_key_over_http_is_told_once_by_us_and_not_by_each_client() -> None:
    # Warnings are errors here: a client that warned would fail the test.
    with standins() as (one,):
        settings = IndexingSettings(qdrant_url=one.url, qdrant_api_key="secret")
        (told,) = warnings_of(settings)
        assert "qdrant_api_key is sent over http" in told
        assert one.url in told
        assert "secret" not in told

        async def work(store: ServerStore) -> None:
            assert await answer(store) == one.port

        with_store(settings, work)


def test_health_of_the_engine() -> None:
    with standins() as (one,):

        async def work(store: ServerStore) -> None:
            with AnswerBudget(BUDGET_S):
                assert await store.trouble() is None
            one.kill()
            with AnswerBudget(BUDGET_S):
                assert "UNAVAILABLE" in (await store.trouble() or "")
            with AnswerBudget(BUDGET_S):
                assert one.url in (await store.trouble() or "")

        with_store(settings_of(one.url), work)


def test_what_no_answer_waits_for_goes_to_an_address_that_answers() -> None:
    with standins(2) as (one, other):

        async def work(store: ServerStore) -> None:
            assert await store.collections() == []
            one.kill()
            # The first call finds it out; whoever tries again is at the other one.
            with pytest.raises(EngineAwayError, match="UNAVAILABLE"):
                await store.collections()
            for _ in range(3):
                assert await store.collections() == []
            other.kill()
            for _ in range(3):
                with pytest.raises(EngineAwayError, match="UNAVAILABLE"):
                    await store.collections()
            one.start()
            # Both are known to be away, and each is asked in its turn: until its connection is made anew.
            until = time.monotonic() + BUDGET_S
            found: list[str] | None = None
            while found is None:
                assert time.monotonic() < until, "not asked again"
                with suppress(EngineAwayError):
                    found = await store.collections()
                await asyncio.sleep(0.01)
            for _ in range(3):
                assert await store.collections() == []

        with_store(settings_of(one.url, other.url), work)


def test_a_dead_address_delays_no_command() -> None:
    with standins() as (one,), refusing_port() as port:
        began = time.monotonic()
        store = open_server(settings_of(f"http://127.0.0.1:{port - 1}", one.url), wait_s=600)
        asyncio.run(store.close())
        assert time.monotonic() - began < 60
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("reach")]
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
