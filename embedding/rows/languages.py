"""Language tags (BCP 47): the canonical form of one, whether it is registered, and what was probably meant otherwise.

The registry of IANA and the aliases of Unicode CLDR are those that langcodes brings.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from langcodes import Language
from langcodes.data_dicts import (
    LANGUAGE_REPLACEMENTS,
    MACROLANGUAGES,
    NORMALIZED_MACROLANGUAGES,
    TERRITORY_REPLACEMENTS,
)
from langcodes.registry_parser import parse_registry
from langcodes.tag_parser import LanguageTagError, parse_tag

from embedding.rows.markets import ASSIGNED

# langcodes takes `_` too, and languages of four letters and more, of which there are none.
_WELL_FORMED = re.compile(r"(?=.{1,35}$)([a-z]{2,3}|[ix])(-[a-z0-9]{1,8})*")
_IN_BRACKETS = re.compile(r"\s*\(.*\)$")
_BETWEEN_PARTS = re.compile(r"[\s_]+")
# Long enough to be meant: some languages are called E and U.
_WORDS = re.compile(r"\w{4,}")
_MAX_SUCCESSORS = 4
RANGE_FORM = r"(\*|([A-Za-z]{2,3}|[IXix])(-[A-Za-z0-9]{1,8})*)"
RANGE_PATTERN = rf"^{RANGE_FORM}$(?!\n)"
"""A basic range of RFC 4647, section 2.1, that some tag may begin with."""
RANGE_RULE = "a language range such as en or en-US, or *"
_RANGE = re.compile(RANGE_PATTERN)
MAX_RANGE = 35
_RULE = "a registered BCP 47 tag such as sv or en-US; leave the field out where there is none"


@lru_cache(maxsize=4096)
def canonical(tag: str) -> str | None:
    """`tag` in canonical form; None where it is not well-formed, or a part of it is not registered.

    Letter case is that of RFC 5646, section 2.1.1. Old tags become their successors (`iw` he, `i-klingon` tlh, `eng`
    en), and the language that stands for its macrolanguage becomes that (`cmn` zh), as Unicode CLDR has it
    (UTS 35, annex C).
    """
    found = _replaced(tag)
    # A successor may have one itself, once it stands where the old part stood.
    for _ in range(_MAX_SUCCESSORS):
        again = None if found is None else _replaced(found)
        if again == found:
            return found
        found = again
    return None


def _replaced(tag: str) -> str | None:
    """`tag` with each part replaced by its successor once."""
    lowered = tag.lower()
    if not lowered.isascii() or _WELL_FORMED.fullmatch(lowered) is None:
        return None
    try:
        # `Language.get` would keep every tag that it has seen.
        found: list[tuple[str, str]] = parse_tag(LANGUAGE_REPLACEMENTS.get(lowered, lowered))  # type: ignore[no-untyped-call]
    except LanguageTagError:
        return None
    language, script, territory, rest = "", None, None, list[tuple[str, str]]()
    for kind, value in found:
        match kind:
            case "language":
                successor = Language.get(LANGUAGE_REPLACEMENTS[value]) if value in LANGUAGE_REPLACEMENTS else None
                language = (successor.language or "und") if successor else value
                script, territory = (successor.script, successor.territory) if successor else (None, None)
            case "extlang":
                # `zh-yue` is `yue`; without its own prefix such a subtag means nothing.
                if language not in (MACROLANGUAGES.get(value), "sgn"):
                    return None
                language = value
            case "script":
                script = value
            case "territory":
                territory = TERRITORY_REPLACEMENTS.get(value.lower(), value)
            case _:
                rest.append((kind, value))
    language = NORMALIZED_MACROLANGUAGES.get(language, language)
    variants = [value for kind, value in rest if kind == "variant"]
    extensions = [value for kind, value in rest if kind == "extension"]
    if not Language(language, None, script, territory, variants, extensions).is_valid():
        return None
    return "-".join(part for part in (language, script, territory, *(value for _, value in rest)) if part)


def members(language: str) -> tuple[str, ...]:
    """The languages of a macrolanguage, in lower case (`no`: nb, nn); () for any other language."""
    return _members().get(language, ())


@lru_cache(maxsize=1)
def _members() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for member, whole in MACROLANGUAGES.items():
        found[whole] = (*found.get(whole, ()), member)
    return found


def registered_part(text: str) -> str | None:
    """The longest beginning of `text`, with `-` for `_`, that is a tag (`en_EN`: en), in canonical form; else None."""
    tag = text.strip().replace("_", "-")
    while (found := canonical(tag)) is None and "-" in tag:
        tag = tag.rpartition("-")[0]
    return found


def expected_language(came: object) -> str:
    """What was expected where `came` came, with the tag that was probably meant."""
    meant = meant_language(came) if isinstance(came, str) else None
    return f"{_RULE} (did you mean {meant}?)" if meant else _RULE


def is_language_range(text: str) -> bool:
    """Whether `text` is `*` or has the form of a range that tags may begin with, registered or not."""
    return len(text) <= MAX_RANGE and _RANGE.match(text) is not None


def expected_range(came: object) -> str:
    """What was expected where `came` came in the place of a range, with the tag that was probably meant."""
    meant = meant_language(came) if isinstance(came, str) else None
    return f"{RANGE_RULE} (did you mean {meant}?)" if meant else RANGE_RULE


def meant_language(text: str) -> str | None:
    """The tag that was probably meant by `text`, which is none: an English name's, alone or among other words, the
    longest part that is a tag, or what is mostly spoken in the country of that code; None where it cannot be told."""
    said, names = text.strip().casefold(), _languages_by_name()
    by_name = names.get(said) or names.get(_IN_BRACKETS.sub("", said))
    known = by_name or canonical(_BETWEEN_PARTS.sub("-", said)) or registered_part(text)
    if known is not None or said.upper() not in ASSIGNED:
        return known or _only(names[word] for word in _WORDS.findall(said) if word in names)
    return Language(territory=said.upper()).maximize().language


def _only(tags: Iterable[str]) -> str | None:
    """The one tag that all of `tags` are; None where there are none, or several."""
    different = set(tags)
    return different.pop() if len(different) == 1 else None


@lru_cache(maxsize=1)
def _languages_by_name() -> dict[str, str]:
    """The tag of each language by its names in the registry, case folded."""
    found: dict[str, str] = {}
    for record in parse_registry():  # type: ignore[no-untyped-call]
        if record["Type"] == "language" and "Deprecated" not in record:
            for name in record["Description"]:
                found.setdefault(_IN_BRACKETS.sub("", name.casefold()), canonical(record["Subtag"]) or record["Subtag"])
    return found
