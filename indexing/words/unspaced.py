"""Scripts that leave no spaces between words: what stands in for words there, two letters and two letters.

Bigrams, as Lucene's CJKBigramFilter: no dictionary to be kept, none that another release would not have. Korean, which
has spaces, is among them as it is there: what is written together with a noun would make it another word. Unlike there,
none lies across a change between the scripts of Japanese.
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise

# Chinese characters; the two syllabaries of Japanese, which part words from particles and endings where they change.
_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_HIRAGANA, _KATAKANA, _LONG = "\u3040-\u309f", "\u30a0-\u30ff\u31f0-\u31ff", "\u30fc"
# Bopomofo and Hangul; Thai and Lao, Burmese, Khmer and their neighbours, Balinese and Javanese.
_OTHERS = (
    "\u3100-\u312f\u31a0-\u31bf\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaadf"
)
_UNSPACED = re.compile(f"[{_HAN}{_HIRAGANA}{_KATAKANA}{_OTHERS}]")
_RUNS = re.compile(f"([{_HAN}]+|[{_HIRAGANA}][{_HIRAGANA}{_LONG}]*|[{_KATAKANA}]+|[{_OTHERS}]+)")
# What puts the consonant behind it below the one before: both are read as one.
_STACKING = "\u1039\u17d2"


def is_unspaced(word: str) -> bool:
    """Whether some of a word is of such a script."""
    return _UNSPACED.search(word) is not None


def bigrams_of(word: str) -> tuple[list[str], list[str]]:
    """What stands in for a word: bigrams of letters, a letter by itself where it stands alone, and what is of other
    scripts whole; then the letters of those bigrams. A letter has its marks with it."""
    words: list[str] = []
    letters: list[str] = []
    for place, run in enumerate(_RUNS.split(unicodedata.normalize("NFC", word))):
        if place % 2 == 0:
            words += [run] if run else []
            continue
        own = _letter().findall(run)
        words += own if len(own) == 1 else map("".join, pairwise(own))
        letters += own if len(own) > 1 else []
    return words, letters


@cache
def _letter() -> re.Pattern[str]:
    """A letter with its marks, where these are of the scripts above; 5 ms."""
    marks = "".join(code for code in map(chr, range(0x0E00, 0xAB00)) if unicodedata.category(code)[0] == "M")
    return re.compile(f".(?:[{_STACKING}].|[{marks}])*", re.DOTALL)
