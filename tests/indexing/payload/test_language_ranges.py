"""What a range asks of the prefixes that points hold, against a reading of both tags side by side."""

import random

import pytest
from langcodes.data_dicts import LANGUAGE_REPLACEMENTS, MACROLANGUAGES, NORMALIZED_MACROLANGUAGES

from embedding.rows.languages import canonical
from indexing.payload.language_ranges import stored_prefixes
from indexing.payload.payload import language_prefixes
from service.hunt.ranges import in_range

REST = ("", "", "-US", "-GB", "-uk", "-826", "-Latn", "-Hant-HK", "-x-ab")


def takes(language_range: str, stored: str) -> bool:
    return not stored_prefixes(language_range).isdisjoint(language_prefixes(stored))


@pytest.mark.parametrize(
    ("language_range", "stored"),
    [
        ("he", "iw"),
        ("he-IL", "iw-IL"),
        ("iw", "he-IL"),
        ("id", "in"),
        ("yi", "ji"),
        ("zh", "cmn-Hans-CN"),
        ("zh-Hans", "zh-cmn-Hans"),
        ("cmn", "zh-Hant"),
        ("no", "nb-NO"),
        ("no-NO", "nn-NO"),
        ("zh", "yue-HK"),
        ("zho", "yue"),
        ("en", "eng"),
        ("en-gb", "en-uk"),
        ("sr", "sh"),
        ("English", "english"),
        ("xx", "xx-YY"),
    ],
)
def test_a_range_takes_what_means_the_same_and_members(language_range: str, stored: str) -> None:
    assert takes(language_range, stored)


@pytest.mark.parametrize(
    ("language_range", "stored"),
    [
        ("nb", "no"),
        ("nb", "nn"),
        ("nn", "no-NO"),
        ("yue", "zh"),
        ("cmn", "yue"),
        ("he", "yi"),
        ("en-US", "en"),
        ("e", "en"),
    ],
)
def test_a_member_takes_neither_the_whole_nor_another(language_range: str, stored: str) -> None:
    assert not takes(language_range, stored)


def test_prefixes_say_of_every_registered_language_what_the_hunt_says() -> None:
    """Both ways of asking, over old tags as kept releases have them and over canonical ones."""
    draw = random.Random(5)
    families: dict[str, list[str]] = {}
    for tag in {*LANGUAGE_REPLACEMENTS, *MACROLANGUAGES, *MACROLANGUAGES.values(), *NORMALIZED_MACROLANGUAGES}:
        now = canonical(tag)
        # Of tags that become several subtags (`prs` fa-AF) what follows may mean something else.
        if now is not None and "-" not in now and "-" not in tag:
            families.setdefault(MACROLANGUAGES.get(now, now), []).append(tag)
    taken = 0
    for family in map(sorted, families.values()):
        for _ in range(10 * len(family)):
            asked, written = (draw.choice(family) + draw.choice(REST) for _ in range(2))
            for stored in {written, canonical(written) or written}:
                assert takes(asked, stored) == in_range(stored, asked), (asked, stored)
                taken += takes(asked, stored)
    assert taken > 1000
