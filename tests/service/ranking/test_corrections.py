"""What a word that stands in no row may have been meant for: weights and bounds; right words stay as they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from embedding.rows.schema import Item
from indexing.journal.new_rows import NO_ORIGIN, NewRows
from indexing.payload.payload import payload_of
from indexing.words.bm25 import numbers_of, terms_of, words_of
from indexing.words.columns import Words, WordsWriter
from indexing.words.sparse import SparseRows
from indexing.words.vocabulary import Vocabulary, VocabularyWriter
from service.ranking.corrections import Corrections

TITLES = (
    "Harbour Lanterns",
    "Harbour Lights",
    "Marzipan",
    "Marzipan Song",
    "Seven Lamp Posts",
    "Chandelier",
    "Night Train",
)


def item(title: str) -> Item:
    return Item(id="i", kind="track", title=title, creator="–")


class Opened:
    """Titles as a release's columns have them, and rows of the journal."""

    def __init__(self, folder: Path, titles: Sequence[str]) -> None:
        words, vocabulary = WordsWriter(folder), VocabularyWriter(folder)
        words.append(SparseRows.of([words_of(item(title)) for title in titles]))
        for title in titles:
            vocabulary.append(payload_of(item(title), 0, 0.0))
        words.close(whole=True)
        vocabulary.close()
        self.words, self.new = Words(folder), NewRows({"text": 3})
        self.corrections = Corrections(self.words, Vocabulary.of(folder), self.new)

    def put(self, title: str) -> None:
        self.new.append(payload_of(item(title), 0, 0.0), b"", NO_ORIGIN, {}, words_of(item(title)), None)

    def weights(self, text: str) -> dict[int, float]:
        """By the number of each word that is asked for."""
        asked = self.words.weighed(terms_of(text))
        if self.corrections.missing(asked):
            asked = self.corrections.corrected(text, asked)
        assert (np.diff(asked.indices.astype(np.int64)) > 0).all()
        return dict(zip(asked.indices.tolist(), asked.values.tolist(), strict=True))

    def meant(self, text: str, *words: str) -> list[str]:
        """Those of some words that are asked for."""
        weights = self.weights(text)
        return [word for word in words if weights.get(int(numbers_of([word])[0]))]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return Opened(tmp_path, TITLES)


def test_words_that_some_row_has_are_asked_for_as_they_are(opened: Opened) -> None:
    for text in ("harbour lights", "night song of seven", "harbour", ""):
        asked = opened.words.weighed(terms_of(text))
        known = asked.indices[opened.words.num_rows(asked.indices) > 0]
        weights = opened.weights(text)
        assert {number: weights[number] for number in known.tolist()} == {
            number: value
            for number, value in zip(asked.indices.tolist(), asked.values.tolist(), strict=True)
            if number in known
        }
    # One letter beside `night`, and there.
    assert opened.meant("lights", "lights", "night") == ["lights"]


def test_what_is_meant_weighs_less_than_if_it_were_typed_and_takes_from_what_was(opened: Opened) -> None:
    right, typed = opened.weights("chandelier"), opened.weights("chandeleir harbour")
    (number,) = right
    assert 0 < typed[number] < right[number]
    asked = opened.words.weighed(terms_of("chandeleir harbour"))
    assert sum(typed.values()) == pytest.approx(float(asked.values.sum()), rel=1e-6)
    # Two errors weigh less than one.
    assert opened.weights("chandleeir")[number] < typed[number]


def test_spaces_too_many_and_too_few(opened: Opened) -> None:
    assert opened.meant("lampposts", "lamp", "posts") == ["lamp", "posts"]
    assert opened.meant("marzi pan", "marzipan") == ["marzipan"]
    assert opened.meant("nighttrain", "night", "train") == ["night", "train"]


def test_a_word_of_the_journal_is_known_and_meant(opened: Opened) -> None:
    assert opened.meant("zeppelim", "zeppelin") == []
    opened.put("Zeppelin")
    assert opened.meant("zeppelim", "zeppelin") == ["zeppelin"]
    # Known now: no error in `zeppelin`, whatever is near it.
    opened.put("Zeppelim")
    assert opened.meant("zeppelim", "zeppelin") == []


def test_without_a_vocabulary_nothing_is_meant(tmp_path: Path) -> None:
    opened = Opened(tmp_path, TITLES)
    without = Corrections(opened.words, None, opened.new)
    assert not without.missing(opened.words.weighed(terms_of("chandeleir")))


def test_only_so_many_words_are_looked_for_and_meant(tmp_path: Path) -> None:
    names = [f"{letter * 2}wanderlust" for letter in "abcdefghijkl"]
    opened = Opened(tmp_path, [*names, *(f"orchid{letter}" for letter in "bcdefghijklmnop")])
    mistyped = [f"{name[:-1]}x" for name in names]
    for text in (" ".join(mistyped), " ".join(mistyped * 40)):
        assert opened.meant(text, *names) == names[:8]
    meant = opened.meant("orchida", *(f"orchid{letter}" for letter in "bcdefghijklmnop"))
    # All have as many rows: the first by their letters.
    assert meant == [f"orchid{letter}" for letter in "bcdefghijk"]
