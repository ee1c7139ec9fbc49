"""The words of titles and names as they are typed: without case, accents and signs, on both sides."""

import re
import unicodedata

from embedding.rows.names import unfolded

_ASCII_WORDS = re.compile(r"[a-z0-9]+")


def name_words(text: str) -> list[str]:
    """The words of a name, in their order: letters and digits, case folded, without their marks."""
    if text.isascii():
        return _ASCII_WORDS.findall(text.lower())
    # A mark belongs to its letter; whatever else is neither letter nor digit parts words.
    kept = (
        character if (category := unicodedata.category(character)[0]) in "LN" else "" if category == "M" else " "
        for character in unfolded(text)
    )
    return "".join(kept).split()
