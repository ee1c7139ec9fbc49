"""When two names are the same: the one key of a name, by which blocks, caps, recordings, filters and searches go.

People and programs write one name in many ways: composed or not, in capitals, with a typographic apostrophe, with
characters in it that nobody sees. None of that makes it another name; accents do.
"""

import re
import unicodedata
from functools import lru_cache

# How keys are made, told in manifests: whatever was made of other keys is made anew. Which letters are one differs with
# the tables of Python, too.
NAMES_VERSION = f"2, Unicode {unicodedata.unidata_version}"
# Of a release whose manifest does not tell.
FIRST_NAMES_VERSION = "1"

# Beside what NFKC makes of others: primes, rings, commas and accents that stand where an apostrophe should.
APOSTROPHES = (
    "`\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02ca\u02cb\u0374\u055a\u05f3\u07f4\u07f5\u1fef"
    "\u2018\u2019\u201a\u201b\u2032\u2035\u275b\u275c\u275f\ua78c"
)
_HYPHENS = (
    "\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2796"
    "\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u30a0\U00010ead"
)
_QUOTES = "\u05f4\u201c\u201d\u201e\u201f\u275d\u275e\u2760\u301d\u301e\u301f\u2e42\U0001f676\U0001f677\U0001f678"
# The letter i of Turkish, with and without its dot, is the one that others write.
_WRITTEN_AS = {
    **dict.fromkeys(APOSTROPHES, "'"),
    **dict.fromkeys(_HYPHENS, "-"),
    **dict.fromkeys(_QUOTES, '"'),
    "ı": "i",
}
# The dot that capitals keep, and an accent that NFKC made of one that stood alone for an apostrophe.
_MARKS = re.compile("(i[\u0300-\u036f]*?)\u0307|(?:^|\\s)[\u0301\u0313\u0314]")
# Controls, what Unicode calls format, and what else its Default_Ignorable_Code_Point has: direction marks, joiners,
# soft hyphens, fillers, selectors of variants. White space is left to stand between words.
UNSEEN = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_OTHERWISE = re.compile(f"[{UNSEEN}{''.join(_WRITTEN_AS)}]")


# Creators and tags come again and again.
@lru_cache(1 << 16)
def name_key(name: str) -> str:
    """The form in which names are compared; the key of a key is itself.

    Case folded and NFKC, again and again until that changes nothing, without what cannot be seen; apostrophes, hyphens
    and quotation marks of all kinds as one of each, and so `ı`, `İ`, `I` and `i`; white space collapsed. A name of
    nothing that is seen is its own key.
    """
    if name.isascii() and name.isprintable():
        # Most names; a tenth of the time.
        return " ".join(name.lower().replace("`", "'").split())
    key = " ".join(unicodedata.normalize("NFC", unfolded(name)).split())
    return key or " ".join(unicodedata.normalize("NFKC", name).split())


def unfolded(text: str) -> str:
    """The same in the plainest of its forms, with marks apart from their letters (NFKD); white space is left."""
    before, plain = "", _OTHERWISE.sub(_written, text)
    while plain != before:
        # Folding gives letters and marks that compose anew; what is dropped had kept marks from their letter.
        before, plain = plain, _OTHERWISE.sub(_written, unicodedata.normalize("NFKD", plain).casefold())
        if plain.isascii():
            break
        plain = _MARKS.sub(lambda found: found[1] or "'", plain)
    return plain


def _written(found: re.Match[str]) -> str:
    return _WRITTEN_AS.get(found[0], "")
