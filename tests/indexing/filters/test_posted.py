"""A posted filter is read as people mean it, or refused with the place, what was expected and what came."""

from typing import Any

import pytest

from indexing.errors import PostedFilterError
from indexing.filters.algebra import All, AnyOf, Filter, NoneOf, OneOf, Range
from indexing.filters.check import check_filter
from indexing.filters.posted import FIELDS, MAX_CONDITIONS, MAX_DEPTH, Posted

POSTED = Posted({"mood": "keyword", "bpm": "integer", "gain": "float"})


def nested(depth: int) -> dict[str, Any]:
    where: dict[str, Any] = {"field": "kind", "equals": "track"}
    for _ in range(depth - 1):
        where = {"none": [where]}
    return where


@pytest.mark.parametrize(
    ("posted", "read"),
    [
        (
            {"all": [{"field": "tags", "one_of": ["jazz"]}, {"field": "duration_s", "range": {"lt": 600}}]},
            All((OneOf("tags", frozenset({"jazz"})), Range("duration_s", lt=600))),
        ),
        ({"field": "kind", "equals": "track"}, OneOf("kind", frozenset({"track"}))),
        ({"field": "language", "one_of": ["en-US", "IT"]},
             OneOf("languages", frozenset({"en-us", "en-840", "eng-us", "eng-840", "it", "ita"}))),
        ({"field": "creators", "equals": "ANA  B"}, OneOf("creator_keys", frozenset({"ana b"}))),
        ({"field": "explicit", "equals": False}, OneOf("explicit", frozenset({0}))),
        ({"field": "min_age", "range": {"gte": 7, "lte": 12}}, Range("min_age", gte=7, lte=12)),
        (
            {"field": "published_at", "range": {"gte": "1970-01-02", "lt": "1970-01-03T01:00:00+01:00"}},
            Range("published_at", gte=86_400, lt=2 * 86_400),
        ),
        ({"none": [{"field": "extra.mood", "equals": "grim"}]},
         NoneOf((OneOf("extra.keyword.mood", frozenset({"grim"})),))),
        ({"any": [{"field": "extra.bpm", "one_of": [60, 61]}, {"field": "extra.gain", "range": {"gt": -3.5}}]},
         AnyOf((OneOf("extra.integer.bpm", frozenset({60, 61})), Range("extra.float.gain", gt=-3.5)))),
    ],
)  # fmt: skip
def test_a_filter_is_read(posted: dict[str, Any], read: Filter) -> None:
    assert POSTED.read(posted) == read
    check_filter(read)


@pytest.mark.parametrize(
    ("posted", "field", "expected", "came"),
    [
        ([], "filter", "an object with all, any or none, or with field", []),
        ({}, "filter", "one of all, any and none, alone, or a field", "neither"),
        ({"all": [], "any": []}, "filter", "one of all, any and none, alone", "all, any"),
        ({"all": []}, "filter.all", "a list of one or more filters", []),
        ({"and": [{}]}, "filter", "one of all, any and none", "and"),
        ({"all": [{"field": "kind", "equals": "track"}, 7]}, "filter.all[1]", "an object", 7),
        ({"field": "tag", "equals": "x"}, "filter.field", "one of creators, .* (did you mean tags?)", "tag"),
        ({"field": ["tags"], "equals": "x"}, "filter.field", "one of", ["tags"]),
        ({"field": "extra.moood", "equals": "x"}, "filter.field", "(did you mean extra.mood?)", "extra.moood"),
        ({"field": "tags"}, "filter", "equals or one_of beside the field tags", "nothing"),
        ({"field": "tags", "equals": "a", "one_of": ["b"]}, "filter", "equals or one_of", "equals, one_of"),
        ({"field": "tags", "range": {"gt": 1}}, "filter", "equals or one_of beside the field tags", "range"),
        ({"field": "duration_s", "equals": 600}, "filter", "range beside the field duration_s", "equals"),
        ({"field": "tags", "one_of": "jazz"}, "filter.one_of", "a list of 1 to 1,000 values", "jazz"),
        ({"field": "tags", "one_of": []}, "filter.one_of", "a list of 1 to 1,000 values", []),
        ({"field": "tags", "one_of": ["a"] * 1_001}, "filter.one_of", "a list of 1 to 1,000 values", ["a"] * 1_001),
        ({"field": "tags", "one_of": ["a", 3]}, "filter.one_of", "a string of 1 to 1,000 characters", 3),
        ({"field": "tags", "equals": ""}, "filter.equals", "a string", ""),
        ({"field": "kind", "equals": "song"}, "filter.equals", "'track' or 'episode'", "song"),
        ({"field": "language", "equals": "?"}, "filter.equals", "a language range", "?"),
        ({"field": "explicit", "equals": 1}, "filter.equals", "true or false", 1),
        ({"field": "min_age", "equals": True}, "filter.equals", "a whole number", True),
        ({"field": "min_age", "equals": "18"}, "filter.equals", "a whole number", "18"),
        ({"field": "min_age", "equals": 2**53}, "filter.equals", "a whole number", 2**53),
        ({"field": "duration_s", "range": {}}, "filter.range", "one or more of gt, gte, lt and lte", {}),
        ({"field": "duration_s", "range": {"le": 1}}, "filter.range", "one or more of gt", {"le": 1}),
        ({"field": "duration_s", "range": {"lt": "1"}}, "filter.range.lt", "a number of seconds", "1"),
        ({"field": "duration_s", "range": {"lt": None}}, "filter.range.lt", "a number of seconds", None),
        ({"field": "published_at", "range": {"gte": 16}}, "filter.range.gte", "a time such as", 16),
        ({"field": "published_at", "range": {"gte": "2020-02-30"}}, "filter.range.gte", "a time such as", "2020-02-30"),
        (nested(MAX_DEPTH + 1), "filter", "a filter nested at most 8 deep", "one that is deeper"),
        (nested(100), "filter", "a filter nested at most 8 deep", "one that is deeper"),
    ],
)  # fmt: skip
def test_another_is_refused_where_it_is_wrong(posted: Any, field: str, expected: str, came: object) -> None:
    with pytest.raises(PostedFilterError) as caught:
        POSTED.read(posted)
    assert caught.value.field == field
    assert all(part in caught.value.expected for part in expected.split(".* "))
    assert caught.value.came == came


def test_the_largest_filter_is_taken() -> None:
    POSTED.read(nested(MAX_DEPTH))
    condition = {"field": "kind", "equals": "track"}
    POSTED.read({"any": [condition] * MAX_CONDITIONS})
    with pytest.raises(PostedFilterError, match="at most 100 conditions in all"):
        POSTED.read({"any": [{"all": [condition] * 60}, {"none": [condition] * 41}]})


def test_a_field_that_is_not_declared_is_none() -> None:
    with pytest.raises(PostedFilterError, match=", ".join(sorted(FIELDS))):
        Posted({}).read({"field": "extra.mood", "equals": "grim"})
