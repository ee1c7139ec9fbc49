"""A range of times to the microsecond holds of just the times that lie in it, in every reading."""

import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows.times import FIRST_S, LAST_S, rfc3339_us
from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.filters.algebra import Filter, Range, fields_of
from indexing.filters.check import check_filter
from indexing.filters.predicate import predicate
from indexing.filters.published import posted_range, published_range
from indexing.payload.payload import Payload
from tests.indexing.drawn import payloads

(BLANK,) = payloads(1, 1)
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
# Near one another, so that they meet; and of every year, where a float of seconds would keep no microseconds.
SECONDS = (FIRST_S, -1, 0, 1, 1_600_000_000, LAST_S)
times = st.sampled_from([second * 1_000_000 + us for second in SECONDS for us in (0, 1, 2, 500_000, 999_999)])
ranges = st.dictionaries(st.sampled_from(sorted(BOUNDS)), times, min_size=1)


def published(us: int | None) -> Payload:
    second, fraction = (None, None) if us is None else divmod(us, 1_000_000)
    return replace(BLANK, published_at=second, published_fraction_us=fraction or None)


def lies_within(us: int | None, bounds: dict[str, int]) -> bool:
    return us is not None and all(BOUNDS[name](us, bound) for name, bound in bounds.items())


def by_columns(rows: Sequence[Payload], where: Filter) -> list[bool]:
    with TemporaryDirectory() as folder:
        writer = FieldColumnsWriter()
        writer.add(rows)
        writer.save(Path(folder))
        passes: list[bool] = np.array(FieldColumns(Path(folder)).mask(where)).tolist()
        return passes


@settings(max_examples=300, deadline=None)
@given(st.lists(st.none() | times, min_size=1, max_size=20), ranges)
def test_a_range_holds_of_the_times_in_it(drawn: list[int | None], bounds: dict[str, int]) -> None:
    where = published_range(**bounds)
    check_filter(where)
    # A shape that is measured for the field serves: requests to the microsecond are no shape of their own.
    assert fields_of(where) == {"published_at"}
    rows = [published(us) for us in drawn]
    expected = [lies_within(us, bounds) for us in drawn]
    assert [predicate(where)(0, row) for row in rows] == expected
    assert by_columns(rows, where) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | times, min_size=1, max_size=20), ranges)
def test_rows_of_whole_seconds_have_no_file_of_fractions_and_are_told_apart_as_well(
    drawn: list[int | None], bounds: dict[str, int]
) -> None:
    whole = [None if us is None else us // 1_000_000 * 1_000_000 for us in drawn]
    expected = [lies_within(us, bounds) for us in whole]
    assert by_columns([published(us) for us in whole], published_range(**bounds)) == expected


def test_whole_seconds_are_asked_for_as_ever() -> None:
    assert published_range(gte=86_400_000_000, lt=90_000_000_000) == Range("published_at", gte=86_400, lt=90_000)


@settings(max_examples=200, deadline=None)
@given(times, st.sampled_from(sorted(BOUNDS)), st.sampled_from(("", "0", "0004", "9")), st.sampled_from((-1, 0, 1)))
def test_a_bound_between_two_microseconds_lies_before_the_later_one(us: int, name: str, digits: str, away: int) -> None:
    bound = rfc3339_us(us).removesuffix("Z")
    whole, _, fraction = bound.partition(".")
    posted = posted_range(**{name: f"{whole}.{fraction.ljust(6, '0')}{digits}Z"})
    row = us + away
    # In half microseconds, which whole numbers tell apart in every year.
    exactly = 2 * us + bool(digits.strip("0"))
    assert predicate(posted)(0, published(row)) == BOUNDS[name](2 * row, exactly)


@pytest.mark.parametrize("text", ["", "now", "2020-02-30", "2024-05-31T18:00:00.5x"])
def test_a_bound_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|day is out"):
        posted_range(gte=text)
