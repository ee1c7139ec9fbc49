import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from embedding.rows.times import FIRST_S, LAST_S, TIME_PATTERN, ceil_s, epoch_us, floor_s, rfc3339, rfc3339_us


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
@given(
    st.integers(FIRST_S, LAST_S - 1),
    st.text("0123456789", min_size=1, max_size=20),
    st.sampled_from(("", "Z", "+02:00")),
)
def test_a_fraction_of_any_length_lies_between_the_seconds_around_it(second: int, digits: str, offset: str) -> None:
    text = f"{rfc3339(second)[:19]}.{digits}{offset}"
    at = second - 7_200 * (offset == "+02:00")
    if at < FIRST_S:
        return
    assert floor_s(text) == at
    assert ceil_s(text) == at + bool(digits.strip("0"))
    assert epoch_us(text) == at * 1_000_000 + int(digits[:6].ljust(6, "0"))


def test_the_last_second_is_not_rounded_into_the_year_10000() -> None:
    assert floor_s("9999-12-31T23:59:59.9999999Z") == LAST_S
    with pytest.raises(ValueError, match="outside"):
        ceil_s("9999-12-31T23:59:59.9999999Z")


@settings(deadline=None)
@given(st.integers(FIRST_S, LAST_S))
def test_whole_seconds_come_back(second: int) -> None:
    assert epoch_us(rfc3339(second)) == second * 1_000_000


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_agrees_with_the_standard_library(moment: datetime) -> None:
    assert epoch_us(moment.isoformat()) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@settings(deadline=None)
@given(st.integers(FIRST_S * 1_000_000, LAST_S * 1_000_000 + 999_999))
def test_microseconds_of_every_year_come_back_with_no_digit_too_many(us: int) -> None:
    text = rfc3339_us(us)
    assert epoch_us(text) == us
    whole, _, fraction = text.removesuffix("Z").partition(".")
    assert len(whole) == 19
    assert fraction == f"{us % 1_000_000:06}".rstrip("0")


@settings(deadline=None)
@given(st.from_regex(TIME_PATTERN, fullmatch=True))
def test_what_the_pattern_allows_is_a_time(text: str) -> None:
    # An offset may take it out of the years that there are.
    assume(text[:4] not in ("0001", "9999"))
    assert FIRST_S <= floor_s(text) <= LAST_S


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
        ("2024-04-31", False),
        ("0000-01-01", False),
        ("2024-05-31 18:00:00", True),
        ("2024-05-31T20:00:00+0200", True),
        ("2024-05-31T24:00:00Z", False),
        ("2024-05-31T18:00Z", False),
        ("2024-W22-5", False),
    ],
)
def test_the_pattern_says_the_same(text: str, is_allowed: bool) -> None:
    assert (re.search(TIME_PATTERN, text) is not None) == is_allowed
    if is_allowed:
        epoch_us(text)
    else:
        with pytest.raises(ValueError, match=r"."):
            epoch_us(text)
