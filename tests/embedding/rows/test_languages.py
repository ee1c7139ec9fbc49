"""Language tags: canonical forms by RFC 5646 and CLDR, and what is meant by texts that are none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langcodes.data_dicts import LANGUAGE_REPLACEMENTS, MACROLANGUAGES
from langcodes.tag_parser import EXCEPTIONS

from embedding.rows.languages import canonical, expected_language, meant_language, members, registered_part


@pytest.mark.parametrize(
    ("tag", "form"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        # After a singleton the letters are small (section 2.1.1).
        ("en-x-ab-cdef", "en-x-ab-cdef"),
        ("en-a-bbb-x-ZZ-Latn", "en-a-bbb-x-zz-latn"),
        # Variants keep their order.
        ("sl-it-rozaj-biske-1994", "sl-IT-rozaj-biske-1994"),
        ("x-own", "x-own"),
        ("iw", "he"),
        ("iw-IL", "he-IL"),
        ("in", "id"),
        ("ji", "yi"),
        ("cmn", "zh"),
        ("cmn-Hans-CN", "zh-Hans-CN"),
        ("zh-cmn-hant", "zh-Hant"),
        ("zh-yue-HK", "yue-HK"),
        ("i-klingon", "tlh"),
        ("no-bok", "nb"),
        ("eng", "en"),
        ("en-UK", "en-GB"),
        ("sh", "sr-Latn"),
        ("sh-Cyrl", "sr-Cyrl"),
        ("no", "no"),
        ("nn", "nn"),
        ("yue", "yue"),
        # What takes its place has a successor too.
        ("PRS-prs", "fa-AF"),
    ],
)
def test_tags_have_one_canonical_form(tag: str, form: str) -> None:
    assert canonical(tag) == form
    assert canonical(form) == form


@pytest.mark.parametrize(
    "tag",
    ["", "x", "e", "English", "root", "xx", "sv-SW", "en_US", "en-", "-en", "en--US", "sv\n", "en-deu", "de-1901-1901",
     "en-a-bbb-a-ccc", "en-US-GB", "svå", "en-" + "a" * 40, "ar-٠٠١"],
)  # fmt: skip
def test_what_is_not_well_formed_or_not_registered_has_none(tag: str) -> None:
    assert canonical(tag) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("English", "en"),
        ("german", "de"),
        ("english (GB)", "en"),
        ("en_US", "en-US"),
        (" sv ", "sv"),
        ("en-EN", "en"),
        ("zh-CHS", "zh"),
        ("JP", "ja"),
        ("gb", "en"),
    ],
)
def test_what_was_meant_is_named(text: str, meant: str) -> None:
    assert meant_language(text) == meant
    assert f"did you mean {meant}?" in expected_language(text)


@pytest.mark.parametrize("text", ["xx", "", "???", "no language", "q" * 300])
def test_what_cannot_be_told_is_not_guessed(text: str) -> None:
    assert meant_language(text) is None
    assert "did you mean" not in expected_language(text)


def test_every_old_tag_has_a_successor() -> None:
    """Of the registry's grandfathered tags, and of those that CLDR replaces, but for what is no tag at all."""
    assert [tag for tag in EXCEPTIONS if canonical(tag) in (None, tag)] == []
    replaced = [tag for tag in LANGUAGE_REPLACEMENTS if not tag.startswith("und-") and tag != "root"]
    assert [tag for tag in replaced if canonical(tag) in (None, tag)] == []


def test_members_are_of_their_macrolanguage() -> None:
    assert set(members("no")) == {"nb", "nn"}
    assert "yue" in members("zh")
    assert members("nb") == members("en") == ()


SUBTAGS = st.sampled_from([*MACROLANGUAGES, "en", "Latn", "US", "x", "a", "1901", "rozaj", "419", "uk"])


@settings(deadline=None)
@given(st.text(max_size=12) | st.lists(SUBTAGS, max_size=5).map("-".join))
def test_a_canonical_form_is_its_own(text: str) -> None:
    form = canonical(text)
    part, meant = registered_part(text), meant_language(text)
    assert [canonical(tag) for tag in (form, part, meant) if tag is not None] == [
        tag for tag in (form, part, meant) if tag is not None
    ]
