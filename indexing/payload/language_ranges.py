"""What of a row's language a request's range asks for, however the row spells it.

Rows are canonical where they are read; a kept release holds them as they were written, with the old tags too.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from langcodes.data_dicts import (
    LANGUAGE_REPLACEMENTS,
    MACROLANGUAGES,
    NORMALIZED_MACROLANGUAGES,
    TERRITORY_REPLACEMENTS,
)

from embedding.rows.languages import canonical, members
from indexing.payload.payload import language_prefixes


@lru_cache(maxsize=4096)
def stored_prefixes(language_range: str) -> frozenset[str]:
    """The prefixes, in lower case, of which each row that `language_range` takes has one (`language_prefixes`).

    By RFC 4647, section 3.3.1: `en` takes `en-US`. Of tags that mean the same each takes the other (`he` and `iw`), and
    a macrolanguage takes its members (`no` takes `nb`), which do not take it, nor one another. A range that is no
    registered tag takes what begins with it as it stands.
    """
    lowered = language_range.lower()
    wanted = {lowered}
    for tag in (lowered, *_of_members(lowered)):
        if (meant := canonical(tag)) is not None:
            wanted.update(_spellings(meant.lower()))
    # What has one with a longer one before it has the shorter too.
    return frozenset(one for one in wanted if wanted.isdisjoint(language_prefixes(one)[:-1]))


def _of_members(language_range: str) -> Iterator[str]:
    language, hyphen, rest = language_range.partition("-")
    # `zho` is `zh`, which has members; `cmn`, which becomes `zh` too, is one of them.
    for whole in {language, LANGUAGE_REPLACEMENTS.get(language, language)}:
        yield from (f"{member}{hyphen}{rest}" for member in members(whole))


def _spellings(tag: str) -> Iterator[str]:
    """Prefixes that canonical `tag` may have been written with."""
    yield from _by_region(tag)
    for old, new in _old_tags()[tag.partition("-")[0]]:
        if tag == new or tag.startswith(f"{new}-"):
            yield from _by_region(old + tag[len(new) :])
        elif new.startswith(f"{tag}-"):
            yield old


def _by_region(tag: str) -> Iterator[str]:
    yield tag
    language, *subtags = tag.split("-")
    for place, subtag in enumerate(subtags):
        if len(subtag) == 1:
            return
        for old in _old_regions().get(subtag, ()):
            yield "-".join((language, *subtags[:place], old, *subtags[place + 1 :]))


@lru_cache(maxsize=1)
def _old_tags() -> defaultdict[str, list[tuple[str, str]]]:
    """Old tags with what each is now, in lower case, by the language that this begins with."""
    # `zh-yue`; of two letters it would be a region.
    extended = (f"{whole}-{member}" for member, whole in MACROLANGUAGES.items() if len(member) == 3)
    found = defaultdict[str, list[tuple[str, str]]](list)
    for old in dict.fromkeys((*LANGUAGE_REPLACEMENTS, *NORMALIZED_MACROLANGUAGES, *extended)):
        # No release holds one that begins with a single letter (`i-klingon`): rows with it were rejects.
        if old[1] != "-" and (new := canonical(old)) is not None and new != old:
            found[new.lower().partition("-")[0]].append((old, new.lower()))
    return found


@lru_cache(maxsize=1)
def _old_regions() -> dict[str, list[str]]:
    """Old codes of regions by what each is now, in lower case; a tag has none of three letters."""
    found: dict[str, list[str]] = {}
    for old, new in TERRITORY_REPLACEMENTS.items():
        if len(old) == 2 or old.isdigit():
            found.setdefault(new.lower(), []).append(old)
    return found
