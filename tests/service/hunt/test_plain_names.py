"""The hunt's own telling of names agrees with the product's, of which it shares nothing."""

from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.names import name_key
from service.hunt.plain_names import plain, same_name
from tests.embedding.rows.test_names import names
from tests.indexing.drawn import AT_LENGTH


@AT_LENGTH
@given(names)
def test_they_agree_on_drawn_names(name: str) -> None:
    assert plain(name) == name_key(name)


@AT_LENGTH
@given(st.integers(0, 0x10FFFF).filter(lambda code: not 0xD800 <= code <= 0xDFFF).map(chr))
def test_they_agree_on_a_character(character: str) -> None:
    for name in (character, f"a{character}b", f"i{character}\u0301 {character}"):
        assert plain(name) == name_key(name)


def test_spellings() -> None:
    assert same_name("Işın Karaca", "IŞIN  KARACA")
    assert same_name("Don’t", "Don\u00b4t")
    assert not same_name("Beyoncé", "Beyonce")
