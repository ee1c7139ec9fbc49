"""Readers of single values (language tags, times, lengths of time) and of the rules file."""

from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from embedding.importers.rss.values import explicit_of, published_us, seconds_of
from embedding.rows.column_map.durations import seconds
from embedding.rows.languages import canonical, expected_language, registered_part
from embedding.rows.times import FIRST_S, LAST_S, ceil_s, epoch_us, floor_s, rfc3339
from indexing.errors import RulesError
from indexing.rules.declaration import rules_version
from indexing.rules.descriptions import descriptions_of
from indexing.rules.parsing import DEFAULT_RULES_TEXT
from indexing.rules.reading import rules_in
from tests.fuzz.drawn import edited, pieces_of, times, words
from tests.fuzz.reader import FuzzReader, expect

_TAGS = (
    "en-GB",
    "zh-cmn-Hans-CN",
    "i-klingon",
    "sl-rozaj-biske-1994",
    "de-u-co-phonebk",
    "x-private",
    "English (UK)",
    "en_us",
)
_TIMES = (
    "2024-05-31T18:00:00.25+02:00",
    "2016-12-31T23:59:60Z",
    "2024-05-31",
    "Fri, 31 May 2024 18:00:00 CEST",
    "31 May 24 6:00 PM",
)
_LENGTHS = ("1:02:03", "62:03", "3723", "00:01.500", "PT1H2M3.5S", "P1DT1S", "214000")
_RULES = DEFAULT_RULES_TEXT.replace("\n# [", "\n[").replace("\n# ", "\n")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _language(data: bytes, _folder: Path) -> None:
    text = _text(data)
    tag = canonical(text)
    expect(tag is None or canonical(tag) == tag, f"{text!r} becomes {tag!r}, and that {canonical(tag or '')!r}")
    expect(tag is None or len(tag) <= 35, f"{text!r} becomes {tag!r}, longer than a tag may be")
    part = registered_part(text)
    expect(part is None or canonical(part) == part, f"a part of {text!r} is {part!r}, which is none")
    expected_language(text)


def _time(data: bytes, _folder: Path) -> None:
    text = _text(data)
    with suppress(ValueError):
        second, moment = floor_s(text), epoch_us(text)
        expect(FIRST_S <= second <= LAST_S, f"{text!r} is {second}")
        expect(epoch_us(rfc3339(second)) == second * 10**6, f"{text!r} is {second}, written as another")
        with suppress(ValueError):
            expect(0 <= ceil_s(text) - second <= 1, f"{text!r} is between {second} and {ceil_s(text)}")
        expect(0 <= moment - second * 10**6 < 10**6, f"{text!r} is {moment} us")
    published_at = published_us(text)
    expect(
        published_at is None or FIRST_S * 10**6 <= published_at < (LAST_S + 1) * 10**6, f"{text!r} is {published_at} us"
    )


def _length(data: bytes, _folder: Path) -> None:
    text = _text(data)
    explicit_of(text)
    read = seconds_of(text)
    expect(read is None or 0 <= read <= 1e7, f"{text!r} is {read} s")
    for unit in ("m:s", "h:m:s", "s"):
        with suppress(ValueError):
            expect(seconds(text, unit) >= 0, f"{text!r} is negative")


def _rules(data: bytes, _folder: Path) -> None:
    ruleset = rules_in(data, "rules.toml")
    expect(bool(rules_version(ruleset)), "rules without a version")
    descriptions_of(ruleset)


def _values(*good: str) -> st.SearchStrategy[bytes]:
    seeds = [text.encode() for text in good]
    return edited(seeds, pieces_of("- : . , + T Z P", *good)) | (words | times).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )


READERS = (
    FuzzReader("language", _language, lambda: [tag.encode() for tag in _TAGS], _values(*_TAGS), ()),
    FuzzReader("time", _time, lambda: [time.encode() for time in _TIMES], _values(*_TIMES), ()),
    FuzzReader("duration", _length, lambda: [length.encode() for length in _LENGTHS], _values(*_LENGTHS), ()),
    FuzzReader(
        "rules",
        _rules,
        lambda: [DEFAULT_RULES_TEXT.encode()],
        edited([_RULES.encode()], pieces_of(_RULES)),
        (RulesError,),
    ),
)
