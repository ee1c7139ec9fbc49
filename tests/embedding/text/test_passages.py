"""Passages: all that says something is in one, each is short enough to be read, cuts fall between sentences."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.schema import Chapter, Item
from embedding.sample.sample import make_sample
from embedding.text.encoder_folder import find_encoder
from embedding.text.passages import Passage, passage_text, passages_of


def item(text: str | None, title: str = "A title") -> Item:
    return Item(id="one", kind="episode", title=title, creator="A show", text=text)


def pieces(text: str) -> list[str]:
    return [text[passage.start : passage.end] for passage in passages_of(item(text))]


def test_what_the_encoder_reads_as_a_whole_has_none() -> None:
    assert passages_of(item(None)) == []
    assert passages_of(item("")) == []
    assert passages_of(item("word " * 130)) == []
    assert passages_of(item("word " * 200)) != []
    # The same number of characters in another script takes more of the encoder.
    assert passages_of(item("語" * 200)) == []
    assert passages_of(item("語" * 300)) != []


def test_a_track_has_them_as_well() -> None:
    track = msgspec.structs.replace(item("A verse of a song. " * 60), kind="track")
    assert len(passages_of(track)) == 2


def test_cuts_fall_after_sentences_and_after_paragraphs_before_these() -> None:
    sentence = "So many words make up a sentence of sixty characters or so. "
    assert all(piece.endswith("or so.") for piece in pieces(sentence * 40))
    # A paragraph in reach of the end of a passage wins over the sentences after it.
    first = (sentence * 7).strip()
    assert pieces(f"{first}\n\n{sentence * 13}")[0] == first
    quoted = 'Nobody asked: "Will it ever be heard again by anybody at all?" '
    assert all(piece.endswith('?"') for piece in pieces(quoted * 40))
    japanese = "今日の話はとても長いので、少しずつ進めていきます。"
    assert all(piece.endswith("。") for piece in pieces(japanese * 60))


def test_without_sentences_cuts_fall_between_words_and_without_words_anywhere() -> None:
    words = "parola " * 400
    assert set(" ".join(pieces(words)).split()) == {"parola"}
    solid = "x" * 2_500
    assert "".join(pieces(solid)) == solid
    assert {len(piece) for piece in pieces(solid)[:-2]} == {600}


def test_what_is_left_is_shared_by_the_last_two() -> None:
    sentence = "So many words make up a sentence of sixty characters or so. "
    sizes = [len(piece) for piece in pieces(sentence * 21)]
    assert min(sizes) > 250, "a passage of one sentence says little"


SENTENCE = "So many words make up a sentence of sixty characters or so. "


def with_chapters(text: str, *titles: str) -> Item:
    chapters = tuple(Chapter(float(number), title) for number, title in enumerate(titles))
    return msgspec.structs.replace(item(text), chapters=chapters)


def test_no_passage_reaches_over_the_beginning_of_a_chapter() -> None:
    text = f"Before.\n\nTides\n\n{SENTENCE * 12}\n\n  Nets \n\nShort.\n\nKnots\n\n{SENTENCE * 3}"
    row = with_chapters(text, "Tides", "Nets", "Knots")
    pieces = [text[passage.start : passage.end] for passage in passages_of(row)]
    assert [piece.split("\n")[0][:8] for piece in pieces] == ["Before.", "Tides", "So many ", "Nets ", "Knots"]
    assert pieces[3] == "Nets \n\nShort."
    assert len(passages_of(item(text))) < len(pieces)


def test_titles_count_in_the_order_of_the_chapters_and_as_whole_lines() -> None:
    # A list of them at the top is none, and a line that has a title in it is none.
    text = f"Tides\nNets\n{SENTENCE * 4}\nTides\nTides and nets.\nNets\n{SENTENCE * 8}"
    pieces = [text[passage.start : passage.end] for passage in passages_of(with_chapters(text, "Tides", "Nets"))]
    assert pieces[0].startswith("Tides\nNets\nSo many")
    assert pieces[1] == "Tides\nTides and nets."
    assert pieces[2].startswith("Nets\nSo many")
    # Titles that the text does not have cut nothing.
    assert passages_of(with_chapters(text, "Sails", "So many")) == passages_of(item(text))


def test_many_chapters_of_one_title_are_found_in_time() -> None:
    row = with_chapters("a\n" * 1_000_000, *["a"] * 1_000)
    assert len(passages_of(row)) > 3_000


@given(
    st.text(st.sampled_from("ab \n."), max_size=2_000), st.lists(st.text(st.sampled_from("ab"), min_size=1), max_size=5)
)
def test_whatever_the_chapters_all_that_says_something_is_in_one_passage(text: str, titles: list[str]) -> None:
    left = 0
    row = with_chapters(text, *titles)
    passages = passages_of(row)
    for passage in passages:
        assert text[left : passage.start].strip() == ""
        piece = text[passage.start : passage.end]
        assert piece == piece.strip() != ""
        assert len(piece.encode()) <= 600
        left = passage.end
    assert not passages or text[left:].strip() == ""


@given(st.text(st.sampled_from("ab语é🎧 .。!\n\t"), max_size=3_000), st.text("tü語 ", max_size=300))
def test_all_that_says_something_is_in_one_passage_that_can_be_read(text: str, title: str) -> None:
    row = item(text, title=f"T{title}")
    passages = passages_of(row)
    assert passages == passages_of(row)
    if not passages:
        return
    left = 0
    for passage in passages:
        assert text[left : passage.start].strip() == ""
        piece = text[passage.start : passage.end]
        assert piece == piece.strip() != ""
        assert len(piece.encode()) <= 600
        assert len(passage_text(row, passage).encode()) <= 721
        left = passage.end
    assert text[left:].strip() == ""


def test_the_packaged_encoder_reads_every_passage_of_the_sample_to_its_end() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(Path(find_encoder(None).path) / "tokenizer.json"))
    tokenizer.no_truncation()
    items = [found for found in make_sample().items if passages_of(found)]
    assert len(items) >= 10
    for found in items:
        for passage in passages_of(found):
            assert len(tokenizer.encode(passage_text(found, passage)).ids) <= 256


def test_a_very_long_text_is_cut_in_time() -> None:
    text = "A word or two. " * 130_000
    assert len(passages_of(item(text))) > 3_000


def test_the_title_stands_before_the_passage() -> None:
    row = item("One sentence of many. " * 60, title="Whales")
    assert passage_text(row, Passage(4, 12)) == "Whales\nsentence"
    assert re.fullmatch(r"(long )+\nOne", passage_text(item("One " * 9, title="long " * 90), Passage(0, 3)))
