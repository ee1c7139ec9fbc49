"""Words one typing error away are just those that a plain reading of what an error is finds."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from service.loaded.name_index import NameIndex
from service.loaded.name_words import name_words
from service.loaded.typing_errors import LEAST_LETTERS, beginning_with, one_off

letters = st.text("abcé", min_size=1, max_size=8)
ALPHABET = "abcé"


def one_error(typed: str) -> set[str]:
    """Every text that comes of `typed` by one error behind the first letter."""
    places = range(1, len(typed) + 1)
    return set(
        chain(
            (typed[:place] + typed[place + 1 :] for place in places),
            (typed[:place] + letter + typed[place:] for place in places for letter in ALPHABET),
            (typed[:place] + letter + typed[place + 1 :] for place in places for letter in ALPHABET),
            (typed[:place] + typed[place + 1 : place + 2] + typed[place] + typed[place + 2 :] for place in places[:-1]),
        )
    )


@given(words=st.sets(letters, max_size=40), typed=st.text(ALPHABET, min_size=LEAST_LETTERS, max_size=7))
def test_words_with_one_error_are_all_found_and_no_others(words: set[str], typed: str) -> None:
    ordered = sorted(words)
    errors = one_error(typed)
    whole = {word for start, end in one_off(ordered, typed, whole=True) for word in ordered[start:end]}
    assert whole | ({typed} & words) == errors & words | ({typed} & words)
    begun = {word for start, end in one_off(ordered, typed, whole=False) for word in ordered[start:end]}
    # What begins as typed is found without an error.
    exact = {word for word in words if word.startswith(typed)}
    assert begun | exact == {word for word in words if any(word.startswith(error) for error in errors)} | exact


@given(words=st.sets(st.text(max_size=6), max_size=40), typed=st.text(max_size=4))
def test_words_that_begin_as_typed(words: set[str], typed: str) -> None:
    ordered = sorted(word for word in words if "\U0010ffff" not in word)
    start, end = beginning_with(ordered, typed.replace("\U0010ffff", ""))
    assert ordered[start:end] == [word for word in ordered if word.startswith(typed.replace("\U0010ffff", ""))]


@given(
    names=st.lists(st.lists(letters, max_size=4), max_size=20),
    typed=st.lists(st.text("abcé", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_a_name_has_every_word_and_one_that_begins_as_the_last(names: list[list[str]], typed: list[str]) -> None:
    found = set(NameIndex.of(names).matching(typed).tolist())
    assert found == {
        number
        for number, words in enumerate(names)
        if all(word in words for word in typed[:-1]) and any(word.startswith(typed[-1]) for word in words)
    }


def test_words_are_told_apart_by_letters_and_digits_alone() -> None:
    assert name_words("L'Été: AC/DC, Straße 2") == ["l", "ete", "ac", "dc", "strasse", "2"]
    assert name_words("Été") == name_words("E\u0301te\u0301".upper())
    assert name_words("…!?") == []
