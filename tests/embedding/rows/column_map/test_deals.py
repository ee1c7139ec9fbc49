"""Territories and days of deals as windows: worldwide, but some, several, and whose days the days are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.markets import TERRITORIES
from embedding.rows.schema import EVERYWHERE, Window
from embedding.rows.times import epoch_us
from tests.embedding.rows.column_map.tables import csv_file, head, read_mapped

DEAL = """
[[catalogue.deals]]
territories = "T"
except = "X"
from = "S"
until = "E"
date = "%d/%m/%Y"
"""


def at(text: str) -> int:
    return epoch_us(text) // 1_000_000


def windows(folder: Path, cells: str, deals: str = DEAL) -> tuple[Window, ...]:
    path = csv_file(folder, "Code;Title;Artist;T;X;S;E", f"c-1;T;A;{cells}")
    items, rejects = read_mapped(path, head('delimiter = ";"') + deals)
    assert rejects == []
    return items[0].availability


def faults(folder: Path, cells: str, deals: str = DEAL) -> list[tuple[str, str]]:
    path = csv_file(folder, "Code;Title;Artist;T;X;S;E", f"c-1;T;A;{cells}")
    items, rejects = read_mapped(path, head('delimiter = ";"') + deals)
    assert items == []
    return [(reject.field, reject.expected) for reject in rejects]


@pytest.mark.parametrize("written", ["Worldwide", " world ", "WW", "World-wide", "*", "GLOBAL", "The World"])
def test_worldwide_is_everywhere(tmp_path: Path, written: str) -> None:
    assert windows(tmp_path, f"{written.replace('-', ' ')};;;") == EVERYWHERE


@pytest.mark.parametrize(
    "written",
    [
        "Worldwide except US, CA;;;",
        "WW excl. US CA;;;",
        "World ex. US/CA;;;",
        "Worldwide (excluding US, CA);;;",
        'Worldwide;"US;CA";;',
        "Worldwide - CA US;;;",
    ],
)
def test_worldwide_but_some_is_each_of_the_others(tmp_path: Path, written: str) -> None:
    found = windows(tmp_path, written)
    assert {window.market for window in found} == set(TERRITORIES) - {"US", "CA"}
    assert len(found) == len(TERRITORIES) - 2
    assert "XK" in TERRITORIES


def test_the_last_day_is_included_and_ends_where_the_territory_is(tmp_path: Path) -> None:
    assert windows(tmp_path, '"SE;GB;JP";;01/07/2024;31/12/2024') == (
        Window("SE", at("2024-06-30T22:00:00Z"), at("2024-12-31T23:00:00Z")),
        Window("GB", at("2024-06-30T23:00:00Z"), at("2025-01-01T00:00:00Z")),
        Window("JP", at("2024-06-30T15:00:00Z"), at("2024-12-31T15:00:00Z")),
    )


def test_of_several_clocks_the_later_opens_and_the_earlier_closes(tmp_path: Path) -> None:
    # Honolulu is ten hours behind UTC, New York four in summer.
    assert windows(tmp_path, "US;;01/07/2024;31/07/2024") == (
        Window("US", at("2024-07-01T10:00:00Z"), at("2024-08-01T04:00:00Z")),
    )


def test_worldwide_with_a_day_is_told_territory_by_territory(tmp_path: Path) -> None:
    found = {window.market: window for window in windows(tmp_path, "Worldwide;;01/07/2024;")}
    assert found.keys() == set(TERRITORIES)
    assert found["SE"].from_s == at("2024-06-30T22:00:00Z")
    # Nobody lives there, and no clock is kept: the day has begun when it has begun everywhere.
    assert found["BV"].from_s == at("2024-07-01T12:00:00Z")


def test_days_of_one_zone_are_one_window(tmp_path: Path) -> None:
    deals = DEAL + 'days = "Europe/Stockholm"\n'
    assert windows(tmp_path, "Worldwide;;01/07/2024;31/12/2024", deals) == (
        Window("*", at("2024-06-30T22:00:00Z"), at("2024-12-31T23:00:00Z")),
    )


def test_the_last_day_that_there_is_means_no_end(tmp_path: Path) -> None:
    assert windows(tmp_path, "SE;;01/07/2024;31/12/9999") == (Window("SE", at("2024-06-30T22:00:00Z")),)


def test_several_deals_are_columns_side_by_side(tmp_path: Path) -> None:
    deals = """
[[catalogue.deals]]
territories = "T"
until = "E"
date = "%d/%m/%Y"
[[catalogue.deals]]
territories = "X"
from = "S"
date = "%d/%m/%Y"
"""
    assert windows(tmp_path, "SE;NO;01/07/2024;31/12/2024", deals) == (
        Window("SE", None, at("2024-12-31T23:00:00Z")),
        Window("NO", at("2024-06-30T22:00:00Z")),
    )
    assert windows(tmp_path, "SE;;;31/12/2024", deals) == (Window("SE", None, at("2024-12-31T23:00:00Z")),)


@pytest.mark.parametrize(
    ("cells", "column", "expected"),
    [
        (";;;", "", "Worldwide for everywhere"),
        (";;01/07/2024;", "T", "territories of a deal"),
        ("UK;;;", "T", "did you mean GB"),
        ("SE, GB;;;", "T", "is none"),
        ("Worldwide except UK;;;", "T", "did you mean GB"),
        ("SE;SE;;", "E", "not all excepted"),
        ("SE;;2024-07-01;", "S", "%d/%m/%Y"),
        ("SE;;01/07/2024;29/06/2024", "E", "a last day after the first"),
        (";US;;", "T", "territories of a deal"),
        ("SE;;01/01/0001;", "S", "years 1 to 9999"),
    ],
)
def test_what_is_no_deal_is_a_reject_of_its_column(tmp_path: Path, cells: str, column: str, expected: str) -> None:
    ((field, words),) = faults(tmp_path, cells)
    assert field == (f"availability (column {column})" if column else "availability")
    assert expected in words


@given(st.dates(), st.sampled_from(TERRITORIES))
def test_a_day_never_opens_early_or_closes_late(day: object, territory: str) -> None:
    from datetime import UTC, date, datetime, timedelta

    from embedding.rows.column_map.territory_days import end, first_second

    assert isinstance(day, date)
    if day.year in (1, 9999):
        return
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert midnight - timedelta(hours=16) <= first_second(territory, day) <= midnight + timedelta(hours=16)
    assert end(territory, day) <= first_second(territory, day + timedelta(days=1))
