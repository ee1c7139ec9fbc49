"""Two spellings of a name have one key, other names have others."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedding.rows.first_name_key import first_name_key
from embedding.rows.names import name_key
from embedding.rows.schema import Item
from tests.indexing.drawn import AT_LENGTH

# Letters that fold to several, marks of every class, what is not seen, and signs of many kinds.
ODD = (
    "ΐΰıİIiI\u0307ßẞſςΣσᾳᾲΆǰẖŉﬁＡ\u0301\u0308\u0307\u0323\u0334\u0345´`’ʼ‐-–"
    "\u200b\u200f\u00ad\ufe0f\u034f\u3164 \u00a0\t\x07a"
)
names = st.text(st.one_of(st.sampled_from(ODD), st.characters(codec="utf-8")), max_size=12)
CASES = (str.upper, str.lower, str.title, str.casefold, str.swapcase)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Işın Karaca", "IŞIN KARACA", "işin karaca", "İŞİN KARACA", "Is\u0327\u0131n Karaca"),
        ("Νίκος Γκάτσος ΐ", "ΝΊΚΟΣ ΓΚΆΤΣΟΣ Ϊ\u0301", "νίκος γκάτσος ι\u0308\u0301"),
        (
            "Radiohead",
            "Radio\u200bhead",
            "\u200fRadiohead\u200e",
            "Radio\u00adhead",
            "Radiohead\ufe0f",
            "RADIOHEAD\ufeff",
        ),
        ("Don’t", "Don't", "Don\u02bct", "Don\u00b4t", "Don \u0301t", "Don`t", "DON＇T"),
        ("El‐P", "El-P", "el–p", "EL\u2011P", "El\u2212P"),
        ("“Weird Al” Yankovic", '"Weird Al" Yankovic', "„Weird Al‟  yankovic"),
        ("Björk", "Bjo\u0308rk", "BJO\u034f\u0308RK"),
        ("Straße", "STRASSE", "strasse", "STRAẞE"),
        (" Ana \t B", "ana b", "ANA\u00a0\u200b Ｂ"),
    ],
)
def test_spellings_of_one_name(spellings: tuple[str, ...]) -> None:
    assert len({name_key(name) for name in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "Beyonce"),
        ("Ana B", "AnaB"),
        ("O'Neil", "ONeil"),
        ("El-P", "El P"),
        ("!!!", "!!"),
        ("\u200b", "\u3164"),
    ],
)
def test_other_names(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@AT_LENGTH
@given(names)
def test_a_key_is_its_own_key_and_that_of_every_form(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, name)) == key
    # In capitals an iota below becomes a letter of its own, and whatever mark comes after it is above that one.
    assume("\u0345" not in unicodedata.normalize("NFD", name))
    for case in CASES:
        assert name_key(case(name)) == key


@AT_LENGTH
@given(names, st.integers(0, 12), st.sampled_from("\u200b\u200c\u2060\u00ad\u200e\u202a\ufeff\ufe0f\u034f\x07"))
def test_what_cannot_be_seen_changes_nothing(name: str, place: int, unseen: str) -> None:
    seen = f"a{name}"
    assert name_key(seen[:place] + unseen + seen[place:]) == name_key(seen)


def test_every_character_by_itself() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]:
        name = f"a{chr(code)}b"
        key = name_key.__wrapped__(name)
        assert name_key.__wrapped__(key) == key, hex(code)
        assert name_key.__wrapped__(name.upper()) == key, hex(code)
        if unicodedata.category(chr(code)) in ("Cc", "Cf") and not chr(code).isspace():
            assert key == "ab", hex(code)


def test_the_first_key_stays_what_it_was() -> None:
    # Vocabularies of models and versions of accepted rules are made of it.
    assert first_name_key("  Don’t \u200b IŞIN ") == "don’t \u200b işin"
    assert first_name_key("ΐ") == "ι\u0308\u0301"


def test_whom_a_row_credits() -> None:
    def credited(creator: str, *creators: str) -> tuple[str, ...]:
        return Item(id="a", kind="track", title="T", creator=creator, creators=creators).credited

    assert credited("Ana") == ("Ana",)
    assert credited("Ana", "Bo", "Ana") == ("Bo", "Ana")
    assert credited("Ana & Bo", "Ana", "Bo") == ("Ana", "Bo", "Ana & Bo")
