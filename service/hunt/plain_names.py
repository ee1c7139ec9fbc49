"""When two names are one, told a second time: by what Unicode calls each of their characters.

docs/rows.md says it. It shares nothing with `embedding.rows.names`, and is slow.
"""

import unicodedata

# What Unicode says nobody sees, though it is neither control nor format: by name, and by number where it has none yet.
_IGNORED = ("VARIATION SELECTOR", "GRAPHEME JOINER", "VOWEL INHERENT")
_IGNORED_CODES = (range(0x2065, 0x2066), range(0xFFF0, 0xFFF9), range(0x13430, 0x13440), range(0xE0000, 0xE1000))
_FOR_AN_APOSTROPHE = {
    *("GRAVE ACCENT", "GREEK VARIA", "PRIME", "REVERSED PRIME", "MODIFIER LETTER PRIME", "GREEK NUMERAL SIGN"),
    *("MODIFIER LETTER TURNED COMMA", "MODIFIER LETTER REVERSED COMMA", "MODIFIER LETTER RIGHT HALF RING"),
    *("MODIFIER LETTER LEFT HALF RING", "MODIFIER LETTER ACUTE ACCENT", "MODIFIER LETTER GRAVE ACCENT"),
    *("HEBREW PUNCTUATION GERESH", "LATIN SMALL LETTER SALTILLO"),
}
_FOR_A_HYPHEN = {"HYPHEN BULLET", "MINUS SIGN", "HEAVY MINUS SIGN", "MODIFIER LETTER MINUS SIGN"}
_ACCENTS = "\u0301\u0313\u0314"
_DOT_ABOVE = "\u0307"


def same_name(one: str, other: str) -> bool:
    """Whether both are one name."""
    return plain(one) == plain(other)


def plain(name: str) -> str:
    """A name as all its spellings have it."""
    before, now = "", name
    while now != before:
        before, now = now, _seen(unicodedata.normalize("NFKD", now).casefold())
    words = unicodedata.normalize("NFKC", now).split()
    return " ".join(words or unicodedata.normalize("NFKC", name).split())


def _seen(text: str) -> str:
    written: list[str] = []
    letter = ""
    for character in text:
        if _is_ignored(character) or (letter == "i" and character == _DOT_ABOVE):
            continue
        if character in _ACCENTS and (not written or written[-1].isspace()):
            # NFKC writes an accent that stands alone as one on a space.
            written[-1:] = "'"
        else:
            written.append(_written(character))
        if not "\u0300" <= character <= "\u036f":
            letter = character
    return "".join(written)


def _is_ignored(character: str) -> bool:
    if unicodedata.category(character) in {"Cc", "Cf"}:
        return not character.isspace()
    name = unicodedata.name(character, "")
    is_filler = name.endswith("FILLER") and "HANGUL" in name
    return (
        is_filler or any(part in name for part in _IGNORED) or any(ord(character) in codes for codes in _IGNORED_CODES)
    )


def _written(character: str) -> str:
    name = unicodedata.name(character, "")
    if character == "ı":
        return "i"
    if unicodedata.category(character) == "Pd" and "WAV" not in name:
        return "-"
    if name in _FOR_A_HYPHEN:
        return "-"
    is_quote = ("QUOTATION MARK" in name or "COMMA" in name) and "ANGLE" not in name
    if name in _FOR_AN_APOSTROPHE or ("SINGLE" in name and is_quote):
        return "'"
    if name.endswith("APOSTROPHE") and "DOUBLE" not in name:
        return "'"
    if ("DOUBLE" in name and "QUOTATION MARK" in name and is_quote) or name == "HEBREW PUNCTUATION GERSHAYIM":
        return '"'
    return character
