from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.rows.times import FIRST_S, LAST_S, epoch_us, rfc3339


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("2024-05-31", 1_717_113_600),
        ("2024-02-29", 1_709_164_800),
        ("2024-05-31T18:00:00Z", 1_717_178_400),
        ("2024-05-31t18:00:00z", 1_717_178_400),
        ("2024-05-31 18:00:00", 1_717_178_400),
        ("2024-05-31T20:00:00+02:00", 1_717_178_400),
        ("2024-05-31T13:30:00-04:30", 1_717_178_400),
        ("2024-05-31T20:00:00+0200", 1_717_178_400),
        ("2024-05-31T18:00:00.25Z", 1_717_178_400.25),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("0001-01-01", FIRST_S),
        ("9999-12-31T23:59:59Z", LAST_S),
        ("1969-12-31T23:59:59.5Z", -0.5),
    ],
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert epoch_us(text) == seconds * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024",
        "2024-5-31",
        "20240531",
        "2024-W22-5",
        "2024-02-30",
        "2023-02-29",
        "2024-05-31T18:00Z",
        "2024-05-31T24:00:00Z",
        "2024-05-31T18:00:60Z",
        "2024-05-31T18:00:00Z\n",
        "2024-05-31\n",
        "31/05/2024",
        "1717178400",
        "٢٠٢٤-٠٥-٣١",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|outside|day|month|format|Invalid"):
        epoch_us(text)


@settings(deadline=None)
@given(st.integers(FIRST_S, LAST_S))
def test_whole_seconds_come_back(second: int) -> None:
    assert epoch_us(rfc3339(second)) == second * 1_000_000


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_agrees_with_the_standard_library(moment: datetime) -> None:
    assert epoch_us(moment.isoformat()) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
