"""Windows in one normal form, classes that stand for it, and what is open when: against windows taken one by one."""

import itertools
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedding.errors import DamagedError
from embedding.rows.schema import EVERYWHERE, Window
from indexing.payload.availability import (
    EVERYWHERE_CLASS,
    AvailabilityClasses,
    OpenClasses,
    availability_class,
    normalise,
)
from tests.indexing.drawn import AT_LENGTH, TIMES_S, windows

MARKETS_ASKED = ("SE", "GB", "US", "JP")
ASKED_S = sorted({at_s + step for at_s in TIMES_S for step in (-1, 0, 1)})


def open_by_windows(listed: tuple[Window, ...], market: str, at_s: int) -> bool:
    """The design's words: open when one window of the market, or of everywhere, has from <= at < until."""
    return any(
        window.market in (market, "*")
        and (window.from_s is None or window.from_s <= at_s)
        and (window.until_s is None or at_s < window.until_s)
        for window in listed
    )


def opens(listed: tuple[Window, ...]) -> set[tuple[str, int]]:
    return {(m, at_s) for m, at_s in itertools.product(MARKETS_ASKED, ASKED_S) if open_by_windows(listed, m, at_s)}


def holds(opened: OpenClasses, at_s: int) -> bool:
    return (opened.from_s is None or opened.from_s <= at_s) and (opened.until_s is None or at_s < opened.until_s)


@pytest.mark.parametrize(
    ("listed", "normal"),
    [
        ([Window("SE", 5, 9), Window("GB"), Window("SE", 0, 3)],
         [Window("GB"), Window("SE", 0, 3), Window("SE", 5, 9)]),
        ([Window("SE", 3, 9), Window("SE", 0, 5)], [Window("SE", 0, 9)]),
        ([Window("SE", 0, 5), Window("SE", 5, 9)], [Window("SE", 0, 9)]),
        ([Window("SE", 0, 9), Window("SE", 2, 3)], [Window("SE", 0, 9)]),
        ([Window("SE", None, 5), Window("SE", 4, None)], [Window("SE")]),
        ([Window("*"), Window("SE", 0, 5)], [Window("*")]),
        ([Window("SE", 0, 5), Window("*", 3, 9)], [Window("*", 3, 9), Window("SE", 0, 3)]),
        ([Window("SE"), Window("*", 3, 9)], [Window("*", 3, 9), Window("SE", None, 3), Window("SE", 9, None)]),
        ([Window("SE", 0, 9), Window("*", 2, 3), Window("*", 5, 6)],
         [Window("*", 2, 3), Window("*", 5, 6), Window("SE", 0, 2), Window("SE", 3, 5), Window("SE", 6, 9)]),
        ([Window("SE", 5, 5), Window("SE", 9, 2)], []),
        ([], []),
    ],
)  # fmt: skip
def test_the_normal_form_worked_by_hand(listed: list[Window], normal: list[Window]) -> None:
    assert normalise(listed) == tuple(normal)


@AT_LENGTH
@given(windows())
def test_the_normal_form_opens_just_what_the_windows_open(listed: tuple[Window, ...]) -> None:
    assert opens(normalise(listed)) == opens(listed)
    assert normalise(normalise(listed)) == normalise(listed)


@AT_LENGTH
@given(windows(), windows(), st.randoms())
def test_one_class_for_one_meaning(first: tuple[Window, ...], second: tuple[Window, ...], order: random.Random) -> None:
    shuffled = list(first)
    order.shuffle(shuffled)
    assert availability_class(shuffled) == availability_class(first)
    # JP is in no window: it stands for all markets not named, so equal openings mean equal lists.
    assert (availability_class(first) == availability_class(second)) == (opens(first) == opens(second))
    assert 0 <= availability_class(first) < 2**63


def test_classes_do_not_change_from_one_version_to_the_next() -> None:
    assert EVERYWHERE_CLASS == availability_class(EVERYWHERE) == availability_class([Window("SE"), Window("*")])
    assert EVERYWHERE_CLASS == 6109080189061116417
    assert availability_class([Window("SE", 0, 10)]) == 5420905220595011309


@AT_LENGTH
@given(st.lists(windows(), max_size=8))
@example([(Window("SE", 10, 20), Window("SE", 30, 40)), (Window("*", 20, 30),), EVERYWHERE, ()])
def test_what_is_open_is_what_the_windows_say(lists: list[tuple[Window, ...]]) -> None:
    table = AvailabilityClasses()
    classes = [table.add(listed) for listed in lists]
    for market, at_s in itertools.product(MARKETS_ASKED, ASKED_S):
        opened = table.open_at(market, at_s)
        expected = {cls for cls, listed in zip(classes, lists, strict=True) if open_by_windows(listed, market, at_s)}
        assert opened.classes == expected
        held_s = [other_s for other_s in ASKED_S if holds(opened, other_s)]
        assert at_s in held_s
        for other_s in held_s:
            assert table.open_at(market, other_s) is opened


def test_open_at_from_and_closed_at_until() -> None:
    table = AvailabilityClasses()
    listed = table.add([Window("SE", 10, 20), Window("SE", 30, 40), Window("GB", 15, 35)])
    asked = {at_s: table.open_at("SE", at_s) for at_s in (9, 10, 19, 20, 29, 30, 39, 40)}
    assert [at_s for at_s, opened in asked.items() if listed in opened.classes] == [10, 19, 30, 39]
    assert (asked[9].from_s, asked[9].until_s) == (None, 10)
    assert (asked[20].from_s, asked[20].until_s) == (20, 30)
    assert (asked[40].from_s, asked[40].until_s) == (40, None)
    # Boundaries of other markets do not cut the interval.
    assert table.open_at("SE", 15) is table.open_at("SE", 10)
    assert table.open_at("JP", 15).classes == frozenset()
    assert table.open_at("JP", 15).until_s is None


def test_a_list_first_seen_later_is_open_at_once() -> None:
    table = AvailabilityClasses()
    first = table.add(EVERYWHERE)
    assert table.open_at("SE", 5).classes == {first}
    assert table.revision == 1
    second = table.add([Window("SE", 0, 10)])
    assert (len(table), table.revision) == (2, 2)
    assert table.open_at("SE", 5).classes == {first, second}
    assert table.open_at("SE", 5).until_s == 10
    assert table.add([Window("SE", 0, 7), Window("SE", 7, 10)]) == second
    assert table.revision == 2


def test_an_unknown_class_is_closed() -> None:
    table = AvailabilityClasses()
    table.add(EVERYWHERE)
    assert table.windows_of(12345) == ()
    assert 12345 not in table
    assert table.windows_of(EVERYWHERE_CLASS) == EVERYWHERE
    assert table.open_at("SE", 0).classes == {EVERYWHERE_CLASS}
    assert AvailabilityClasses().open_at("SE", 0).classes == frozenset()


@AT_LENGTH
@given(st.lists(windows(), max_size=6), st.randoms())
def test_a_table_is_kept_as_the_same_bytes_in_any_order(lists: list[tuple[Window, ...]], order: random.Random) -> None:
    table, shuffled = AvailabilityClasses(), AvailabilityClasses()
    for listed in lists:
        table.add(listed)
    order.shuffle(lists)
    for listed in lists:
        shuffled.add(listed)
    assert table.dump() == shuffled.dump()
    again = AvailabilityClasses.load(table.dump())
    assert (len(again), again.dump()) == (len(table), table.dump())
    for market in MARKETS_ASKED:
        assert again.open_at(market, 15) == table.open_at(market, 15)


@pytest.mark.parametrize("data", [b"", b"\x81", b"[]", b"\x81\x01\x01"])
def test_a_damaged_table_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError, match="table of availability classes cannot be read"):
        AvailabilityClasses.load(data)


def test_two_lists_with_one_hash_are_not_mixed_up() -> None:
    listed = (Window("SE", 0, 10),)
    table = AvailabilityClasses()
    table.add(listed)
    forged = table.dump().replace(b"SE", b"GB")
    with pytest.raises(DamagedError, match=r"stands for .*'GB'.* and for .*'SE'"):
        AvailabilityClasses.load(forged).add(listed)


def test_many_classes_are_answered_from_what_was_worked_out() -> None:
    table = AvailabilityClasses()
    for day in range(3_000):
        table.add([Window("SE", day, day + 1_000), Window("GB", day * 3)])
    for at_s in range(200):
        assert len(table.open_at("SE", at_s).classes) == at_s + 1
    # More intervals were asked about than are kept; the first is worked out again, and right.
    assert len(table.open_at("SE", 0).classes) == 1
