"""What no reading takes: conditions that could only match nothing in silence, and what the engine breaks on."""

from collections.abc import Callable
from typing import Any

import pytest

from indexing.errors import FilterError
from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.check import MAX_DEPTH
from indexing.filters.predicate import predicate
from indexing.payload.payload import INDEXED_FIELDS, LIST_FIELDS
from indexing.stores.edge_filter import edge_filter
from indexing.stores.server_filter import server_filter
from tests.indexing.made_points import JAZZ, PAYLOADS

READINGS: tuple[Callable[[Filter], Any], ...] = (predicate, edge_filter, server_filter)


def nested(depth: int) -> Filter:
    where: Filter = Equals("kind", "track")
    for _ in range(depth - 1):
        where = NoneOf((where,))
    return where


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (Equals("mood", "calm"), r"no field 'mood' to filter by; there are .*creator_keys.*tags"),
        (Equals("kind", 1), r"'kind' takes equals and one_of, with strings; 1 came"),
        (Equals("explicit", True), r"'explicit' takes equals and one_of, with whole numbers; True came"),
        (Equals("min_age", "18"), r"'min_age' takes .*, and range; '18' came"),
        (OneOf("tags", frozenset({3})), r"'tags' takes .*strings; 3 came"),
        (Equals("duration_s", 600), r"'duration_s' takes range only; 600 came"),
        (Equals("availability_class", 2**63), r"whole numbers of 64 bits; 9223372036854775808 came"),
        (Range("kind", gt=1), r"'kind' takes equals and one_of, with strings; a range came"),
        (Range("availability_class", lt=5), r"'availability_class' takes .*; a range came"),
        (Range("duration_s", lt=float("nan")), r"'duration_s' takes numbers as bounds; NaN came"),
        (HasId(frozenset({3, -1})), r"numbers from 0 up, has_id came with -1"),
        (All((AnyOf((NoneOf((Range("mood", gt=1),)),)),)), "no field 'mood'"),
        (nested(MAX_DEPTH + 1), "32 deep"),
        (nested(5_000), "32 deep"),
    ],
)
def test_all_readings_refuse_the_same(where: Filter, words: str) -> None:
    for read in READINGS:
        with pytest.raises(FilterError, match=words):
            read(where)


def test_the_deepest_filter_is_taken() -> None:
    for read in READINGS:
        read(nested(MAX_DEPTH))
    # 31 negations of what holds.
    assert not predicate(nested(MAX_DEPTH))(0, PAYLOADS[JAZZ])


def test_the_fields_with_several_values_are_those_that_hold_tuples() -> None:
    assert {name for name in INDEXED_FIELDS if isinstance(getattr(PAYLOADS[JAZZ], name), tuple)} == LIST_FIELDS
