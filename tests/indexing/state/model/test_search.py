"""The search itself, on worlds whose answer is known."""

from collections.abc import Iterator

from tests.indexing.state.model.rules import Promise
from tests.indexing.state.model.search import Step, search

END = 20


def doubled_or_next(state: int) -> Iterator[Step[int]]:
    """From 1 to `END` by doubling and by one more; 13 breaks a promise, and 14 another one."""
    for what, then in (("one more", state + 1), ("doubled", state * 2)):
        if then <= END:
            yield what, then, {13: Promise.SHOWN, 14: Promise.GAP}.get(then)


def test_the_way_is_the_shortest() -> None:
    found = search(1, doubled_or_next, (Promise.SHOWN,))
    assert found.broken is Promise.SHOWN
    assert found.way == ("one more", "one more", "doubled", "doubled", "one more")


def test_other_promises_are_passed_by() -> None:
    assert search(1, doubled_or_next, (Promise.GAP,)).broken is Promise.GAP


def test_every_state_is_reached_where_nothing_is_broken() -> None:
    found = search(1, doubled_or_next, (Promise.VANISHED,))
    assert found == (END, None, ())
