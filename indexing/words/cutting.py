"""How a text is cut into words, rows and queries alike: normalised first, so that one word has one form.

Case, width and composition do not count, nor what cannot be seen, as in names (embedding/rows/names.py). Beyond that a
search does not mind accents, vowel signs that most leave out, and letters that people write for one another. Where a
script leaves no spaces, two letters and two letters stand in for words (indexing/words/unspaced.py).
"""

import re
import unicodedata
from functools import cache, lru_cache
from itertools import groupby

from msgspec import Struct

from embedding.rows.names import APOSTROPHES, UNSEEN
from indexing.words.unspaced import bigrams_of, is_unspaced

_ASCII_WORD, _CONTROL = re.compile("[0-9a-z]+"), re.compile("[\x00-\x08\x0e-\x1b\x7f]")
# Words with nothing but signs between them.
_ASCII_PIECE = re.compile(r"[0-9a-z]++(?:[^0-9a-z\s]++[0-9a-z]++)*")
# Beside what cannot be seen, what most leave out: accents and other marks above and below a letter, but for those of
# the next line; the points of Hebrew; the vowel signs and the long line of Arabic; the points of Syriac; the point
# below that makes a letter of Hindi one of Persian.
_LEFT_OUT = re.compile(
    f"[{UNSEEN}\u0300-\u0305\u0307\u0309-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff\u0711\u0730-\u074a\u093c]"
)
# A breve or a diaeresis: in Cyrillic another letter (и and й, і and ї), but on е, where few write it.
_MARK_OF_A_LETTER = re.compile("(?<![\u0400-\u052f])[\u0306\u0308]|(?<=е)\u0308")
# Where a script leaves no spaces (Thai, Lao, Burmese, Khmer and their neighbours), this stands for one.
_BREAK = re.compile("(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1980-\u19df\ua9e0-\ua9ff\uaa60-\uaa7f])\u200b")
# Signs that stand for several letters (a trade mark, a square unit) are no part of the word before them.
_SIGN_OF_LETTERS = re.compile("[\u2100\u2101\u2105\u2106\u2116\u2120-\u2122\u213b\u3300-\u33ff]")
# Letters that are no other with a mark, by what people type for them. Latin: as Lucene's ASCIIFoldingFilter. Arabic:
# the forms of alef, of yeh, of kaf and of heh, as its normalisers of Arabic and Persian. Hindi: both signs of a nasal,
# as its normaliser.
_TYPED_AS = {
    letter: typed
    for typed, letters in {
        **{"a": "ɐəɚᴀᶏᶕⱥ", "aa": "ꜳ", "ae": "æᴁᴂ", "ao": "ꜵ", "au": "ꜷ", "av": "ꜹꜻ", "ay": "ꜽ", "b": "ƀƃɓʙᴃᵬᶀ"},
        **{"c": "ƈȼɕʗᴄↄꜿ", "d": "ðđƌȡɖɗᴅᴆᵭᶁᶑꝺ", "db": "ȸ", "dz": "ʣʥ", "e": "ǝɇɘɛɜɝɞʚᴇᴈᶒᶓᶔⱸⱻ", "f": "ƒᵮᶂꜰꝼꟻ"},
        **{"g": "ǥɠɡɢʛᵷᵹᶃꝿ", "h": "ħɥɦʜʮʯⱨⱶ", "hv": "ƕ", "j": "ȷɉɟʄʝᴊ", "k": "ƙʞᴋᶄⱪꝁꝃꝅ"},
        **{"l": "łƚȴɫɬɭʟᴌᶅⱡꝇꝉꞁ", "ll": "ỻ", "ls": "ʪ", "lz": "ʫ", "m": "ɯɰɱᴍᵯᶆꟽꟿ", "n": "ŋƞȵɲɳɴᴎᵰᶇ"},
        **{"o": "øɔɵᴏᴐᴖᴗᶗⱺꝋꝍ", "oe": "œɶᴔ", "oo": "ꝏ", "ou": "ȣᴕ", "p": "ƥᴘᵱᵽᶈꝑꝓꝕꟼ", "q": "ĸɋʠꝗꝙ", "qp": "ȹ"},
        **{"r": "ɍɼɽɾɿʀʁᴙᴚᵲᵳᶉꝛꞃ", "s": "ȿʂᵴᶊẜẝꜱꞅ", "t": "ŧƫƭȶʇʈᴛᵵⱦ", "tc": "ʨ", "th": "þᵺꝧ", "ts": "ʦ", "tz": "ꜩ"},
        **{"u": "ʉᴜᵾᶙ", "ue": "ᵫ", "v": "ʋʌᴠᶌⱱⱴꝟ", "vy": "ꝡ", "w": "ƿʍᴡⱳ", "x": "ᶍ", "y": "ƴɏʎʏỿ", "z": "ƶȝȥɀʐʑᴢᵶᶎⱬꝣ"},
        **{"ا": "ٱٲٳٵ", "ي": "ىیے", "ك": "ک", "ه": "ةەہھ", "\u0902": "\u0901"},
        # The i of Turkish; and what is written for an apostrophe parts words as one does.
        **{"i": "ıɨɪᴉᵻᵼᶖꟾ", " ": APOSTROPHES},
    }.items()
    for letter in letters
}


# Characters from here on are letters, or not known yet.
_KNOWN = 0x20000
# The article of Arabic, with what is written together with it, as Lucene's ArabicStemmer takes it off.
_ARTICLE = re.compile("^(?:[وبكف]?ال|لل)+(?=.{3})")
# What signs part and some write together (AC/DC, Jay-Z, R.E.M.) is found by that, too; an address is not.
_LONGEST_JOINED = 16
# Words come again and again; what stands between two spaces may be a whole text where there are none.
_CACHED_PIECES, _LONGEST_CACHED = 1 << 14, 32


class _Cut(Struct, frozen=True, gc=False):
    """What one piece of a text gives, a piece being what stands between two spaces."""

    words: tuple[str, ...]
    more: tuple[str, ...]


_NOTHING = _Cut((), ())


def words_in(text: str) -> list[str]:
    """The words of a text in their order, in the form in which they are compared.

    Letters, marks, digits and characters that Python's tables do not know yet are words; signs, spaces and controls
    stand between them. Where a script leaves no spaces, a word is two letters, or one that stands alone.
    """
    if _is_plain(text):
        return _ASCII_WORD.findall(text.lower())
    return [word for piece in text.split() for word in _cut(piece).words]


def words_and_more(text: str) -> tuple[list[str], list[str]]:
    """`words_in` of a row's text, in no order; and what it is found by beside them: what signs part as one word, each
    letter of a script that leaves no spaces."""
    plain, cuts = text, list[_Cut]()
    if not _is_plain(text):
        apart = text.split()
        # Most are plain in most languages: those are cut together.
        plain = " ".join(piece for piece in apart if _is_plain(piece))
        cuts = [_cut(piece) for piece in apart if not _is_plain(piece)]
    pieces = _ASCII_PIECE.findall(plain.lower())
    words = [piece for piece in pieces if piece.isalnum()]
    more: list[str] = []
    if len(words) < len(pieces):
        cuts += [_cut(piece) for piece in pieces if not piece.isalnum()]
    for cut in cuts:
        words += cut.words
        more += cut.more
    return words, more


def _is_plain(text: str) -> bool:
    return text.isascii() and not _CONTROL.search(text)


def _cut(piece: str) -> _Cut:
    return _cut_once(piece) if len(piece) <= _LONGEST_CACHED else _cut_anew(piece)


def _cut_anew(piece: str) -> _Cut:
    parts = _parts(piece)
    if not parts:
        return _NOTHING
    joined = "".join(parts)
    if not piece.isascii() and is_unspaced(joined):
        cut = [bigrams_of(part) for part in parts]
        return _Cut(tuple(word for words, _ in cut for word in words), tuple(one for _, ones in cut for one in ones))
    return _Cut(tuple(parts), (joined,) if len(parts) > 1 and len(joined) <= _LONGEST_JOINED else ())


_cut_once = lru_cache(_CACHED_PIECES)(_cut_anew)


def _parts(piece: str) -> list[str]:
    """The words of a piece, whatever their script."""
    if _is_plain(piece):
        return _ASCII_WORD.findall(piece.lower())
    if "\u200b" in piece:
        piece = _BREAK.sub(" ", piece)
    plain = unicodedata.normalize("NFKD", _SIGN_OF_LETTERS.sub(" ", piece)).casefold()
    plain = _LEFT_OUT.sub("", plain)
    if "\u0306" in plain or "\u0308" in plain:
        plain = _MARK_OF_A_LETTER.sub("", plain)
    word, typed, typed_as = _tables()
    if typed.search(plain):
        plain = typed.sub(lambda found: typed_as[found[0]], plain)
    # What was dropped may have stood between two marks.
    found = word.findall(unicodedata.normalize("NFKD", plain))
    return [_ARTICLE.sub("", one) for one in found] if "ل" in plain else found


@cache
def _tables() -> tuple[re.Pattern[str], re.Pattern[str], dict[str, str]]:
    """A word, a letter or digit that is typed as others are, and how: of the tables that this Python has; 30 ms."""
    known = [chr(code) for code in range(_KNOWN) if _is_of_a_word(chr(code))]
    # A class of characters is looked up in a table where all have numbers of 16 bits, a twentieth of the time.
    digits = {one: str(unicodedata.digit(one)) for one in known if "\x7f" < one < "\U00010000" and one.isdigit()}
    typed_as = {**_TYPED_AS, **digits}
    word = re.compile(f"[{_ranges(known)}{chr(_KNOWN)}-\U0010ffff]+")
    return word, re.compile(f"[{_ranges(sorted(typed_as))}]"), typed_as


def _is_of_a_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" or category in ("Cn", "Co")


def _ranges(characters: list[str]) -> str:
    codes = enumerate(map(ord, characters))
    runs = [[code for _, code in run] for _, run in groupby(codes, lambda numbered: numbered[1] - numbered[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
