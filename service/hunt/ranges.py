"""Whether a language tag falls in a range that somebody asked for."""

from langcodes.data_dicts import LANGUAGE_REPLACEMENTS, MACROLANGUAGES

from embedding.rows.languages import canonical


def in_range(tag: str, language_range: str) -> bool:
    """RFC 4647 section 3.3.1: the same, or a prefix that ends before a hyphen; case does not matter.

    Old tags are their successors on both sides, and the range may name the macrolanguage of the tag's language.
    """
    if language_range == "*" or _begins(tag, language_range):
        return True
    now = canonical(tag) or tag
    if _begins(now, canonical(language_range) or language_range):
        return True
    language, hyphen, rest = language_range.lower().partition("-")
    spoken = now.lower().partition("-")[0]
    if MACROLANGUAGES.get(spoken, "") not in (language, LANGUAGE_REPLACEMENTS.get(language)):
        return False
    of_member = f"{spoken}{hyphen}{rest}"
    return _begins(now, canonical(of_member) or of_member)


def _begins(tag: str, language_range: str) -> bool:
    return f"{tag.lower()}-".startswith(f"{language_range.lower()}-")
