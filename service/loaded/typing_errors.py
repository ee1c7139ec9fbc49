"""Words that are one typing error away from what was typed.

A letter too many or too few, another letter, or two that swapped places; the first letter is taken as typed. Sorted
words are walked like a trie, by bisection: what each next letter leads to, and no word by itself.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

# Of three letters a quarter of all words is one error away from some other.
LEAST_LETTERS = 4
_LAST = "\U0010ffff"

Span = tuple[int, int]
"""Places from one to before another among sorted words."""


def beginning_with(words: Sequence[str], typed: str, within: Span | None = None) -> Span:
    """Where the words stand that begin as `typed`."""
    low, high = within or (0, len(words))
    start = bisect_left(words, typed, low, high)
    return start, bisect_left(words, typed + _LAST, start, high)


def just(words: Sequence[str], typed: str, within: Span | None = None) -> Span:
    """Where the word stands that is just `typed`; an empty span where there is none."""
    low, high = within or (0, len(words))
    start = bisect_left(words, typed, low, high)
    return start, start + (start < high and words[start] == typed)


def one_off(words: Sequence[str], typed: str, *, whole: bool) -> list[Span]:
    """Where the words stand that are `typed` with one error (`whole`), or begin with that; `typed` itself among them or
    not. None where it has too few letters."""
    if len(typed) < LEAST_LETTERS:
        return []
    find = just if whole else beginning_with
    found = {span for span in _spans(words, typed, find) if span[0] < span[1]}
    return _joined(sorted(found))


def _spans(words: Sequence[str], typed: str, find: Callable[[Sequence[str], str, Span | None], Span]) -> Iterator[Span]:
    within: Span = (0, len(words))
    for place in range(1, len(typed) + 1):
        head, tail = typed[:place], typed[place:]
        within = beginning_with(words, head, within)
        if within[0] == within[1]:
            return
        if tail:
            yield find(words, head + tail[1:], within)
            yield find(words, head + tail[1:2] + tail[:1] + tail[2:], within)
        for letter, beyond in _next_letters(words, place, within):
            yield find(words, head + letter + tail, beyond)
            if tail:
                yield find(words, head + letter + tail[1:], beyond)


def _next_letters(words: Sequence[str], place: int, within: Span) -> Iterator[tuple[str, Span]]:
    """The letters that stand at `place` in words that are alike before it, each with where its words are."""
    start, end = within
    while start < end:
        if len(words[start]) <= place:
            start += 1
            continue
        letter = words[start][place]
        stop = beginning_with(words, words[start][: place + 1], (start, end))[1]
        yield letter, (start, stop)
        start = stop


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Sorted spans, those that overlap as one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined
