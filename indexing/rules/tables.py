"""The tables of a rules file and what each key takes; the defaults are those of the packaged file."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from embedding.rows.schema import Id, Kind, Name, Tag
from indexing.payload.payload import MOST_INTEGER

Say = Literal["allow", "deny"]
ExtraType = Literal["keyword", "integer", "float"]
Keyword = Annotated[str, Meta(min_length=1, max_length=1_000)]
Number = Annotated[float, Meta(ge=-MOST_INTEGER, le=MOST_INTEGER)]
Boost = Annotated[float, Meta(ge=-100, le=100)]
Cap = Annotated[int, Meta(ge=1, le=1_000)]

# Every key of the file, with what it takes: errors, `rules check` and the test of docs/rules.md read this.
# NAME stands for the names that a file gives.
KEYS: dict[str, str] = {
    "windows": "a table without keys",
    "explicit": "a table with the key unknown",
    "explicit.unknown": '"allow" or "deny"',
    "languages": "a table with the key unknown",
    "languages.unknown": '"allow" or "deny"',
    "age": "a table without keys",
    "kinds": "a table with the key allowed",
    "kinds.allowed": 'a list of one or both of "track" and "episode"',
    "blocked": "a table with the keys items and creators",
    "blocked.items": "a list of item ids, each a string of 1 to 512 characters",
    "blocked.creators": "a list of creators' names, each a string of 1 to 1,000 characters",
    "tags": "a table with the keys allowed and denied",
    "tags.allowed": "a list of tags, each a string of 1 to 200 characters",
    "tags.denied": "a list of tags, each a string of 1 to 200 characters",
    "published": "a table with the keys after, before and unknown",
    "published.after": "a time in RFC 3339 or a date, such as 2020-01-01",
    "published.before": "a time in RFC 3339 or a date, such as 2020-01-01",
    "published.unknown": '"allow" or "deny"',
    "duration": "a table with the keys min_s, max_s and unknown",
    "duration.min_s": "a number of seconds, 0 to 10,000,000",
    "duration.max_s": "a number of seconds, 0 to 10,000,000",
    "duration.unknown": '"allow" or "deny"',
    "extra": "a table [extra.NAME] for each field of `extra` that rules and filters may read",
    "extra.NAME": "a table with the key type, and allowed and denied, or min, max and unknown",
    "extra.NAME.type": '"keyword", "integer" or "float"',
    "extra.NAME.allowed": "a list of strings, for a keyword",
    "extra.NAME.denied": "a list of strings, for a keyword",
    "extra.NAME.min": "a number within 9,007,199,254,740,991 of 0, for an integer or a float",
    "extra.NAME.max": "a number within 9,007,199,254,740,991 of 0, for an integer or a float",
    "extra.NAME.unknown": '"allow" or "deny", for an integer or a float',
    "caps": "a table with the keys per_creator and per_tag",
    "caps.per_creator": "a whole number, 1 to 1,000",
    "caps.per_tag": "a whole number, 1 to 1,000",
    "diversity": "a table with the key strength",
    "diversity.strength": "a number, 0 to 1",
    "freshness": "a table with the keys boost and half_life_days",
    "freshness.boost": "a number, -100 to 100",
    "freshness.half_life_days": "a number of days, 0.01 to 36,500",
    "popularity": "a table with the key boost",
    "popularity.boost": "a number, -100 to 100",
    "own_language": "a table with the key boost",
    "own_language.boost": "a number, -100 to 100",
    "recordings": "a table with the key once",
    "recordings.once": "true or false",
    "seen": "a table with the key exclude",
    "seen.exclude": "true or false",
    "switches": "a table [switches.NAME] for each switch that a request may set",
    "switches.NAME": "a table with the keys rules and default",
    "switches.NAME.rules": "a list of one or more of the tables that may be switched",
    "switches.NAME.default": "true or false",
}


class NoSay(Struct, frozen=True):
    """A rule that is always in force as it is."""


class UnknownSay(Struct, frozen=True):
    """What a rule does with an item of which the field is not known."""

    unknown: Say = "allow"


class Kinds(Struct, frozen=True):
    """The kinds that anybody may be shown."""

    allowed: Annotated[tuple[Kind, ...], Meta(min_length=1)] = ("track", "episode")


class Blocked(Struct, frozen=True):
    """What nobody is shown; creators as written in the file."""

    items: tuple[Id, ...] = ()
    creators: tuple[Name, ...] = ()


class Tags(Struct, frozen=True):
    """Where any are allowed an item must have one of them; it must have none that is denied."""

    allowed: tuple[Tag, ...] = ()
    denied: tuple[Tag, ...] = ()


class Published(Struct, frozen=True):
    """Items published from `after` on and before `before`, as written in the file."""

    after: str | None = None
    before: str | None = None
    unknown: Say = "allow"


class Duration(Struct, frozen=True):
    """Items of a length between the two, both included."""

    min_s: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    max_s: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    unknown: Say = "allow"


class Extra(Struct, frozen=True):
    """A declared field of `extra`, and what is asked of it: a keyword's values, or a number's bounds, both included."""

    type: ExtraType
    allowed: tuple[Keyword, ...] = ()
    denied: tuple[Keyword, ...] = ()
    min: Number | None = None
    max: Number | None = None
    unknown: Say = "allow"

    @property
    def asks(self) -> bool:
        """Whether any item is kept out; else the field is only declared, for filters."""
        return bool(self.allowed or self.denied) or self.min is not None or self.max is not None


class Caps(Struct, frozen=True):
    """The most hits of one list that share a creator or a tag."""

    per_creator: Cap | None = None
    per_tag: Cap | None = None


class Diversity(Struct, frozen=True):
    """How much weight unlikeness to the hits before has: 1 - lambda of maximal marginal relevance."""

    strength: Annotated[float, Meta(ge=0, le=1)] = 0.0


class Freshness(Struct, frozen=True):
    """What a new item's score gains, halved with each half life."""

    boost: Boost = 0.0
    half_life_days: Annotated[float, Meta(ge=0.01, le=36_500)] = 30.0


class Popularity(Struct, frozen=True):
    """What the most popular item's score gains."""

    boost: Boost = 0.0


class OwnLanguage(Struct, frozen=True):
    """What the score of an item in the listener's own language gains."""

    boost: Boost = 0.0


class Recordings(Struct, frozen=True):
    """Whether one recording comes once."""

    once: bool = True


class Seen(Struct, frozen=True):
    """What is done with items that a known user has heard."""

    exclude: bool = True


class Switch(Struct, frozen=True):
    """A name that a request may set, and the rules that are on while it is true."""

    rules: Annotated[tuple[str, ...], Meta(min_length=1)]
    default: bool = True
