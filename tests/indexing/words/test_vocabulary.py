"""The words of names, and which of them are near what was typed: as an oracle works it out, letter by letter."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedding.rows.schema import Item
from indexing.payload.payload import payload_of
from indexing.words.vocabulary import Vocabulary, VocabularyWriter, errors_in, near_words, spelt_in


@cache
def errors_between(one: str, other: str) -> int:
    """The least number of letters too many, too few, other ones and neighbours that swapped places."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        errors_between(one[1:], other) + 1,
        errors_between(one, other[1:]) + 1,
        errors_between(one[1:], other[1:]) + (one[0] != other[0]),
    ]
    if len(one) > 1 and len(other) > 1 and one[:2] == other[1::-1]:
        ways.append(errors_between(one[2:], other[2:]) + 1)
    return min(ways)


def written(folder: Path, titles: Iterable[str]) -> Vocabulary:
    writer = VocabularyWriter(folder)
    for title in titles:
        writer.append(payload_of(Item(id="i", kind="track", title=title, creator="–"), 0, 0.0))
    writer.close()
    vocabulary = Vocabulary.of(folder)
    assert vocabulary is not None
    return vocabulary


words = st.text("abcdè", min_size=3, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=30), words)
def test_near_words_are_those_of_an_oracle(tmp_path: Path, titles: list[str], typed: str) -> None:
    plain = [title.replace("è", "e") for title in titles]
    typed = typed.replace("è", "e")
    most = errors_in(typed)
    expected = {
        (word, errors) for word in plain if len(word) > 2 and 0 < (errors := errors_between(typed, word)) <= most
    }
    assert set(written(tmp_path, titles).near(typed)) == expected
    assert set(near_words(typed, plain)) == expected


@pytest.mark.parametrize(
    ("word", "errors"),
    [
        ("abc", 0),
        ("rain", 1),
        ("metallica", 1),
        ("tchaikovsky", 2),
        ("abcdefghijklmnop", 2),
        ("2024", 0),
        ("blink182", 0),
        ("京都", 0),
        ("a" * 33, 0),
        ("чайковский", 2),
    ],
)
def test_one_error_in_five_letters_is_forgiven(word: str, errors: int) -> None:
    assert errors_in(word) == errors


def test_the_vocabulary_is_of_all_that_names_a_row() -> None:
    item = Item(
        id="i",
        kind="track",
        title="Motörhead Live",
        creator="AC/DC",
        creators=("Anna", "Bo"),
        album="Harbour",
        tags=("thrash",),
        text="described",
    )
    assert spelt_in(payload_of(item, 0, 0.0)) == {"motorhead", "live", "acdc", "anna", "harbour", "thrash"}


def test_a_release_without_names_has_an_empty_vocabulary(tmp_path: Path) -> None:
    assert Vocabulary.of(tmp_path) is None
    vocabulary = written(tmp_path, ["–"])
    assert len(vocabulary) == 0
    assert vocabulary.near("metallica") == []
