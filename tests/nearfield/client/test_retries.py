"""Which calls are sent again, when, and until when."""

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.client.retries import Retries, Tries, may_follow, may_repeat, retry_after_s

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
LOADING = "urn:nearfield:problem:encoder-loading"
STATE_AWAY = "urn:nearfield:problem:state-unavailable"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Tue, 01 Dec 2026 12:00:30 GMT", 30.0),
        ("Tue, 01 Dec 2026 12:00:30 -0000", 30.0),
        ("Tue, 01 Dec 2026 13:00:30 +0100", 30.0),
        ("Tue, 01 Dec 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, lambda: NOON) == seconds


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_query_is_sent_again_where_another_time_may_do(status: int) -> None:
    assert may_repeat(status, "about:blank", repeatable=True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 500, 501])
def test_nothing_is_sent_again_that_would_fail_alike(status: int) -> None:
    assert not may_repeat(status, "about:blank", repeatable=True)


@pytest.mark.parametrize(
    ("status", "problem_type", "again"),
    [
        (408, "about:blank", True),
        (429, "about:blank", True),
        (503, LOADING, True),
        # The change may be in the log already: the lease ran out while it was answered.
        (503, STATE_AWAY, False),
        (503, "about:blank", False),
        (502, "about:blank", False),
    ],
)
def test_a_change_is_sent_again_only_where_nothing_was_done(status: int, problem_type: str, again: bool) -> None:
    assert may_repeat(status, problem_type, repeatable=False) == again


@pytest.mark.parametrize(
    ("error", "query", "change"),
    [
        (httpx.ConnectError(""), True, True),
        (httpx.ConnectTimeout(""), True, True),
        (httpx.ReadTimeout(""), True, False),
        (httpx.ReadError(""), True, False),
        (httpx.WriteError(""), True, False),
        (httpx.RemoteProtocolError(""), True, False),
        (httpx.UnsupportedProtocol(""), False, False),
        (httpx.LocalProtocolError(""), False, False),
    ],
)
def test_after_a_broken_connection(error: httpx.TransportError, query: bool, change: bool) -> None:
    assert may_follow(error, repeatable=True) == query
    assert may_follow(error, repeatable=False) == change


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@given(
    attempts=st.integers(1, 8),
    total_s=st.floats(0.1, 100),
    asked=st.lists(st.one_of(st.none(), st.floats(0, 50)), min_size=8, max_size=8),
    took=st.lists(st.floats(0, 20), min_size=8, max_size=8),
    drawn=st.floats(0, 0.999),
)
def test_all_tries_end_in_their_number_and_time(
    attempts: int, total_s: float, asked: list[float | None], took: list[float], drawn: float
) -> None:
    clock = Clock()
    retries = Retries(attempts=attempts, total_s=total_s)
    tries = Tries(retries, clock, lambda: drawn)
    begun = clock.now_s
    for asked_s, took_s in zip(asked, took, strict=True):
        tries.made += 1
        assert clock.now_s - begun <= total_s
        clock.now_s += min(took_s, tries.left_s)
        wait_s = tries.wait_s(asked_s)
        if wait_s is None:
            break
        assert asked_s is None or wait_s == asked_s
        assert asked_s is not None or wait_s <= min(retries.longest_wait_s, retries.first_wait_s * 2**tries.made)
        clock.now_s += wait_s
    assert 1 <= tries.made <= attempts


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"total_s": 0.0}])
def test_retries_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected at least one attempt"):
        Retries(**wrong)  # type: ignore[arg-type]
