"""The time of day is the database's, and what has passed since; a host's own clock decides nothing."""

import asyncio
import logging
import re
import time

import pytest

from indexing.releases.releases import Releases
from indexing.state.boot_clock import SharedClock, boot_s
from indexing.state.postgres import PostgresState
from indexing.state.records import TakenDown
from tests.indexing.kinds_of_store import MemoryStores
from tests.postgres_server import shared_server

_HOUR_S = 3_600.0
_real = time.time


@pytest.mark.parametrize("off_s", [_HOUR_S, -_HOUR_S])
def test_a_host_an_hour_off_is_told_and_goes_by_the_database(
    off_s: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> tuple[float, float]:
        state = PostgresState(shared_server().new_database(), "test")
        try:
            now = await state.now()
            return now, state.known_now()
        finally:
            await state.close()

    monkeypatch.setattr(time, "time", lambda: _real() + off_s)
    with caplog.at_level(logging.WARNING):
        now, known = asyncio.run(work())
    # Seconds of a machine that stands still are by far no hour.
    assert now == pytest.approx(_real(), abs=120)
    assert 0 <= known - now < 120
    (record,) = caplog.records
    told = re.fullmatch(
        r"This host's clock is ([+-]\d+) s off the database's, which is the one that counts\.", record.message
    )
    assert told is not None
    assert int(told[1]) == pytest.approx(off_s, abs=120)


def test_a_clock_that_is_set_while_it_runs_moves_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SharedClock()
    assert not clock.is_known
    clock.learn(1_000.0, boot_s())
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: _real() + _HOUR_S)
    assert 0 <= clock.now() - before < 120
    with caplog.at_level(logging.WARNING):
        # Told once, not with each renewal.
        clock.learn(1_000.0, boot_s())
        clock.learn(1_000.0, boot_s())
    assert len(caplog.records) <= 1


def test_half_of_the_way_there_and_back_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexing.state.boot_clock.boot_s", lambda: 500.0)
    clock = SharedClock()
    clock.learn(1_000.0, 499.5)
    assert clock.now() == pytest.approx(1_000.25)


def test_an_answer_that_was_long_under_way_moves_the_time_no_further_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the process was stopped while it asked."""
    booted_s = 500.0
    monkeypatch.setattr("indexing.state.boot_clock.boot_s", lambda: booted_s)
    clock = SharedClock()
    clock.learn(1_000.0, 499.9)
    assert clock.now() == pytest.approx(1_000.05)
    # Asked at 510, the database looked at its clock at once, and the answer was read at 560.
    booted_s = 560.0
    clock.learn(1_010.0, 510.0)
    assert clock.now() == pytest.approx(1_060.0, abs=0.1)
    # It looked late, and then again at its clock that was set forward by an hour.
    clock.learn(1_060.0, 510.0)
    assert clock.now() == pytest.approx(1_060.0, abs=0.1)
    clock.learn(4_660.0, 559.9)
    assert clock.now() == pytest.approx(4_660.0, abs=0.1)


def test_frames_and_releases_of_two_hosts_an_hour_apart_sort_by_what_happened(
    monkeypatch: pytest.MonkeyPatch, stores: MemoryStores
) -> None:
    """`at` of a frame and the ids of releases are the database's time, on the host that is ahead too."""

    async def work() -> None:
        url = shared_server().new_database()
        ahead, behind = PostgresState(url, "ahead"), PostgresState(url, "behind")
        store = stores.open()
        monkeypatch.setattr(time, "time", lambda: _real() + _HOUR_S)
        first = await Releases(stores.data_dir, store, ahead).new_id()
        await ahead.append([TakenDown("a")])
        monkeypatch.setattr(time, "time", lambda: _real() - _HOUR_S)
        await asyncio.sleep(0.01)
        second = await Releases(stores.data_dir, store, behind).new_id()
        await behind.append([TakenDown("b")])
        assert first < second
        one, other = await behind.reader().fresh()
        assert one.at < other.at
        for each in (ahead, behind):
            await each.close()
        await store.close()

    asyncio.run(work())
