"""Words as sparse vectors: what an item's are, what a query's weigh, and scores as an oracle works them out."""

import math
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.schema import Item
from indexing.words import columns
from indexing.words.bm25 import MOST_OF_A_WORD, as_bytes, from_bytes, terms_of, words_hash, words_of
from indexing.words.columns import Words, WordsWriter
from indexing.words.cutting import words_and_more, words_in
from indexing.words.first_bm25 import first_words_hash
from indexing.words.growing import GrowingRows
from indexing.words.sparse import Sparse, SparseRows
from indexing.words.ways import way_of
from tests.indexing.stores.made_words import made_words, score_of


def item(title: str, creator: str = "–", **fields: object) -> Item:
    return Item(id="i", kind="track", title=title, creator=creator, **fields)  # type: ignore[arg-type]


def of_word(words: Sparse, word: str) -> float:
    """What `words` says of one word, 0 where it has it not."""
    return score_of(words, terms_of(word))


def test_the_words_of_a_row_are_those_of_all_its_text_fields() -> None:
    words = words_of(
        item("So Far", "Ana B", creators=("Ana B", "Cy"), album="Away", tags=("jazz", "late night"), text="One take.")
    )
    for word in ("so", "FAR", "ana", "b", "cy", "away", "jazz", "late", "night", "one", "take"):
        assert of_word(words, word) > 0, word
    assert len(words) == 11
    assert (np.diff(words.indices.astype(np.int64)) > 0).all()
    # A field that no text search reads.
    assert of_word(words_of(item("So Far", language="it")), "it") == 0


def test_a_word_counts_as_bm25_says() -> None:
    # Title and creator stand twice: 4 words of title, 2 of creator, 3 of text; `night` thrice.
    words = words_of(item("Night Drive", "Cy", text="all the night"))
    length = 2 * 2 + 2 * 1 + 3
    held_back = 1.2 * (1 - 0.5 + 0.5 * length / 64)
    assert of_word(words, "night") == pytest.approx(3 * 2.2 / (3 + held_back), rel=1e-5)
    assert of_word(words, "the") == pytest.approx(2.2 / (1 + held_back), rel=1e-5)
    assert of_word(words, "night") < MOST_OF_A_WORD
    assert of_word(words_of(item("night " * 900)), "night") < MOST_OF_A_WORD


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("citta", "Città"),
        ("CITTÀ", "citta\u0300"),
        ("strasse", "Straße"),
        ("abc", "ＡＢＣ"),
        ("AC DC", "AC/DC"),
        ("omicidio", "L'omicidio"),
        ("the", "The The"),
        ("日本語", "日本語"),
        ("Gló\u0301ria", "Glo\u0301\u0301ria"),
        ("handbook", "Hand\u00adbook"),
        ("Radiohead", "Radio\u200bhead"),
        ("Δρόμος", "ΔΡΟΜΟΣ"),
        ("елка", "Ёлка"),
        ("قصة", "قِصَّة"),
        ("احمد", "أحمـــد"),
        ("إيمان", "ایمان"),
        ("שלום", "שָׁלוֹם"),
        ("हिन्दी", "हिन्दी"),
        ("ភាសា", "ភាសា\u200bខ្មែរ"),
        ("Røyksopp Łódź", "royksopp lodz"),
        ("IŞIN", "Işın"),
        ("Don’t", "Don't"),
        ("٢٠٢٤", "2024"),
        ("ｶﾞｰﾙ", "ガール"),
        ("\U0003f123", "a \U0003f123"),
        ("foo", "Foo™"),
    ],
)
def test_words_are_compared_whatever_their_case_width_or_accents(query: str, title: str) -> None:
    assert score_of(words_of(item(title)), terms_of(query)) > 0


@pytest.mark.parametrize("text", ["🎉", "…!?", "\x00\x01\u200b", "   "])
def test_signs_are_no_words(text: str) -> None:
    assert len(terms_of(text)) == 0
    assert len(words_of(item("🎉", "–", text=text))) == 0


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    words = words_of(item("a", text="x " * 10_000 + "late"))
    assert of_word(words, "x") > 0
    assert of_word(words, "late") == 0


def test_words_are_made_as_they_were() -> None:
    # Where this changes, what made words before stays beside it as one more of indexing/words/ways.py.
    assert words_hash() == "612d10145d846622723f07ad901b058ece0b1647ba19673e5349bd9994b58e3e"
    assert first_words_hash() == "575d8ca0a7839620c3cd4964a7cbc665c18265c587827ba37076ad2d2ce19b26"


def test_every_way_is_known_by_its_hash() -> None:
    first, now = way_of(first_words_hash()), way_of(words_hash())
    assert first is not None
    assert now is not None
    assert way_of("another") is None
    one = item("Glo\u0301ria")
    assert score_of(now.words_of(one), now.terms_of("Glória")) > 0
    assert score_of(first.words_of(one), first.terms_of("Glória")) == 0
    assert score_of(first.words_of(item("Glória")), first.terms_of("GLÓRIA")) > 0
    assert score_of(first.words_of(item("Hand\u00adbook")), first.terms_of("handbook")) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी गीत", 2),
        ("Καλημέρα κόσμε", 2),
        ("Цой и Чай", 3),
        ("Don't, El-P!", 4),
        ("AC/DC_live", 3),
        ("№5 ㎏", 1),
    ],
)
def test_words_are_cut_between_letters_alone(text: str, words: int) -> None:
    assert len(words_in(text)) == words


@pytest.mark.parametrize(
    ("text", "words", "letters"),
    [
        ("京都の夜", ["京都", "の", "夜"], ["京", "都"]),
        ("図書館", ["図書", "書館"], ["図", "書", "館"]),
        ("ｶﾞｰﾙらーめん", ["ガー", "ール", "らー", "ーめ", "めん"], ["ガ", "ー", "ル", "ら", "ー", "め", "ん"]),
        ("AI入門２回", ["ai", "入門", "2", "回"], ["入", "門"]),
        ("ភាសាខ្មែរ", ["ភាសា", "សាខ្មែ", "ខ្មែរ"], ["ភា", "សា", "ខ្មែ", "រ"]),
        ("ဗုဒ္ဓ", ["ဗုဒ္ဓ"], ["ဗု", "ဒ္ဓ"]),
        ("서울의 밤", ["서울", "울의", "밤"], ["서", "울", "의"]),
        ("\u0301 夜", ["夜"], []),
    ],
)
def test_where_no_spaces_stand_two_letters_are_a_word(text: str, words: list[str], letters: list[str]) -> None:
    assert words_in(text) == words
    cut, more = words_and_more(text)
    assert (sorted(cut), more) == (sorted(words), letters)
    for word in (*words, *letters):
        assert of_word(words_of(item(text)), word) > 0


@pytest.mark.parametrize(
    ("text", "joined"),
    [("AC/DC live", ["acdc"]), ("R.E.M.", ["rem"]), ("Ça c’est", ["cest"]), ("www.a-very-long-address.example", [])],
)
def test_what_signs_part_is_found_as_one_word(text: str, joined: list[str]) -> None:
    assert words_and_more(text)[1] == joined
    # By rows alone: who asks with the sign is answered by the parts.
    assert not set(joined) & set(words_in(text))
    for word in joined:
        assert of_word(words_of(item(text)), word) > 0


def test_what_a_row_is_found_by_beside_its_words_makes_it_no_longer() -> None:
    parted, apart = words_of(item("AC/DC")), words_of(item("AC DC"))
    assert of_word(parted, "ac") == of_word(apart, "ac")


@pytest.mark.parametrize(
    ("text", "word"), [("والكتاب", "كتاب"), ("للبحر", "بحر"), ("اليد", "اليد"), ("الان", "الان"), ("ولد", "ولد")]
)
def test_the_article_of_arabic_is_taken_off_where_a_word_is_left(text: str, word: str) -> None:
    assert words_in(text) == [word]


@given(st.text(max_size=40))
def test_rows_and_queries_are_cut_alike(text: str) -> None:
    assert Counter(words_and_more(text)[0]) == Counter(words_in(text))


def test_letters_that_are_others_in_cyrillic_stay_others() -> None:
    assert score_of(words_of(item("Цой")), terms_of("Цои")) == 0
    assert score_of(words_of(item("Їжак")), terms_of("Іжак")) == 0


@given(st.text(max_size=40))
def test_both_forms_of_a_text_have_the_same_words(text: str) -> None:
    assert words_in(unicodedata.normalize("NFC", text)) == words_in(unicodedata.normalize("NFD", text))
    # A word is its own form.
    assert [words_in(word) for word in words_in(text)] == [[word] for word in words_in(text)]


def test_long_texts_of_both_forms_end_at_one_place() -> None:
    text = "é" * 9_990 + " later too late"
    composed, decomposed = (words_of(item("a", text=unicodedata.normalize(form, text))) for form in ("NFC", "NFD"))
    np.testing.assert_array_equal(composed.indices, decomposed.indices)
    np.testing.assert_array_equal(composed.values, decomposed.values)
    assert of_word(composed, "late") == 0


def test_words_of_one_number_add_up_whatever_their_order() -> None:
    one, other = "aspjwwk", "rnrsgud"
    assert terms_of(one).indices == terms_of(other).indices
    filling = " ".join(f"filling{number}" for number in range(200))
    rows = [words_of(item("a", text=f"{text} {filling}")) for text in (f"{one} {other} x", f"x {other} {one}")]
    np.testing.assert_array_equal(rows[0].indices, rows[1].indices)
    np.testing.assert_array_equal(rows[0].values, rows[1].values)
    assert of_word(rows[0], one) == pytest.approx(2 * of_word(rows[0], "x"))
    full = words_of(item(one, text=f"{one} {other} " * 900))
    # Up to the most that a word can say.
    assert of_word(full, one) == np.float32(MOST_OF_A_WORD)


def test_whom_a_row_is_shown_under_is_among_its_words() -> None:
    assert of_word(words_of(item("So Far", "The Duo", creators=("Ana", "Bo"))), "duo") > 0


@given(st.integers(0, 10_000), st.integers(0, 25))
def test_scores_are_those_of_an_oracle(seed: int, num: int) -> None:
    made = made_words(num + 1, seed)
    rows, query = SparseRows.of(made[:num]), made[num]
    expected = [score_of(words, query) for words in made[:num]]
    np.testing.assert_allclose(rows.scores(query), expected, rtol=1e-5)
    numbers = np.random.default_rng(seed).integers(0, num, 7) if num else np.zeros(0, np.int64)
    taken = rows.take(numbers)
    np.testing.assert_allclose(taken.scores(query), [expected[row] for row in numbers], rtol=1e-5)
    part = rows.part(num // 3, num // 2)
    np.testing.assert_allclose(part.scores(query), expected[num // 3 : num // 2], rtol=1e-5)
    growing = GrowingRows()
    for words in made[:num]:
        growing.append(from_bytes(as_bytes(words)))
    np.testing.assert_allclose(growing.rows().scores(query), expected, rtol=1e-5)


def test_growing_rows_outgrow_their_first_place() -> None:
    growing = GrowingRows()
    made = [Sparse(np.arange(90, dtype=np.uint32), np.full(90, number + 1, np.float32)) for number in range(150)]
    for words in made:
        growing.append(words)
    assert len(growing.rows()) == 150
    for number in (0, 63, 64, 149):
        np.testing.assert_array_equal(growing.rows().row(number).values, made[number].values)


def test_a_query_weighs_a_word_by_how_few_rows_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted in many steps, as those of a large catalogue are.
    monkeypatch.setattr(columns, "_MIN_WAITING", 3)
    titles = ["rain", "rain at night", "night", "rain rain", "🎉"]
    writer = WordsWriter(tmp_path)
    for title in titles:
        writer.append(SparseRows.of([words_of(item(title))]))
    writer.close(whole=True)
    words = Words(tmp_path)
    query = words.weighed(terms_of("night rain nowhere RAIN"))
    assert len(query) == 3
    weights = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
    for word, num_rows in (("rain", 3), ("night", 2), ("nowhere", 0)):
        expected = math.log(1 + (5 - num_rows + 0.5) / (num_rows + 0.5))
        assert weights[int(terms_of(word).indices[0])] == pytest.approx(expected, rel=1e-6)
    assert np.argsort(-words.rows.scores(words.weighed(terms_of("at night"))))[0] == 1


def test_words_of_no_rows_are_asked_in_vain(tmp_path: Path) -> None:
    WordsWriter(tmp_path).close(whole=True)
    words = Words(tmp_path)
    assert len(words.rows) == 0
    assert words.weighed(terms_of("rain")).values[0] == pytest.approx(math.log(1 + 0.5 / 0.5))
