"""Durations, times and flags, in the spellings that feeds have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.importers.rss.values import explicit_of, published_us, seconds_of
from embedding.rows.times import rfc3339_us


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1:02:03", 3723),
        ("62:03", 3723),
        ("3723", 3723),
        (" 01:02:03 ", 3723),
        ("00:62:03", 3723),
        ("1:2:3", 3723),
        ("0", 0),
        ("00:01.500", 1.5),
        ("00:00:01,250", 1.25),
        ("3723.0", 3723),
        ("3,723", None),
        ("PT1H2M3S", 3723),
        ("pt62m3.5s", 3723.5),
        ("P1DT1S", 86_401),
        ("", None),
        ("P", None),
        ("PT", None),
        ("unknown", None),
        ("-5", None),
        ("1:2:3:4", None),
        ("1::3", None),
        (":30", None),
        ("99999999", None),
        ("1e3", None),
    ],
)
def test_durations_of_every_spelling(written: str, seconds: float | None) -> None:
    assert seconds_of(written) == seconds


@given(st.integers(0, 2_700), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_is_the_same_in_all_spellings(hours: int, minutes: int, seconds: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds
    spelt = (
        f"{hours}:{minutes:02}:{seconds:02}",
        f"{hours * 60 + minutes}:{seconds:02}",
        f"{total}",
        f"PT{hours}H{minutes}M{seconds}S",
    )
    assert {seconds_of(one) for one in spelt} == {float(total)}


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("Fri, 31 May 2024 18:00:00 GMT", "2024-05-31T18:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 +0200", "2024-05-31T16:00:00Z"),
        ("31 May 2024 18:00 +02:00", "2024-05-31T16:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 GMT+0200", "2024-05-31T16:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 -0000", "2024-05-31T18:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 +0530 (IST)", "2024-05-31T12:30:00Z"),
        ("Fri, 31 May 2024 18:00:00 PDT", "2024-06-01T01:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 EST", "2024-05-31T23:00:00Z"),
        # parsedate_tz takes each of these for UTC.
        ("Fri, 31 May 2024 18:00:00 CEST", "2024-05-31T16:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 cet", "2024-05-31T17:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 BST", "2024-05-31T17:00:00Z"),
        ("Fri, 31 May 2024 18:00:00 AEST", "2024-05-31T08:00:00Z"),
        ("Fri,  31\n May 2024 18:00:00  Z", "2024-05-31T18:00:00Z"),
        ("Fri, 31 May 2024 18:00:00", "2024-05-31T18:00:00Z"),
        ("Fri, 31 May 24 18:00:00 GMT", "2024-05-31T18:00:00Z"),
        ("2024-05-31T18:00:00+02:00", "2024-05-31T16:00:00Z"),
        ("2024-05-31T18:00:00.1234567+02:00", "2024-05-31T16:00:00.123456Z"),
        ("2024-05-31", "2024-05-31T00:00:00Z"),
    ],
)
def test_times_with_names_of_zones(written: str, time: str) -> None:
    us = published_us(written)
    assert us is not None
    assert rfc3339_us(us) == time


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "Fri, 31 May 2024 18:00:00 IST",
        "Fri, 31 May 2024 18:00:00 XYZ",
        "Fri, 31 May 2024 6:00 PM EST",
        "Fri, 31 May 2024 6:00 PM",
        "Fri, 31 May 2024",
        "Fri, 31 June 2024 18:00:00 GMT",
        "Fri, 31 May 2024 25:00:00 GMT",
        "Fri, 31 May 2024 18:00:00 +9900",
        "ven, 31 mai 2024 18:00:00 GMT",
        "0000-05-31",
    ],
)
def test_what_does_not_say_which_hour_is_no_time(written: str) -> None:
    assert published_us(written) is None


@given(st.text(st.sampled_from("Fri, 31May2024:+-0GMTZ()\n\u0661"), max_size=40))
def test_no_text_breaks_them(written: str) -> None:
    published_us(written)
    seconds_of(written)
    explicit_of(written)


@pytest.mark.parametrize(
    ("written", "explicit"),
    [
        ("yes", True),
        ("true", True),
        ("True", True),
        ("explicit", True),
        ("no", False),
        ("false", False),
        (" Clean ", False),
        ("notExplicit", False),
        ("", None),
        (None, None),
        ("maybe", None),
    ],
)
def test_explicit_in_all_its_spellings(written: str | None, explicit: bool | None) -> None:
    assert explicit_of(written) is explicit
