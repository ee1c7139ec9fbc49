"""What a catalogue row and an interaction row are: fields, types and limits.

Times are epoch seconds (UTC) inside; the readers turn RFC 3339 and bare dates into them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from embedding.rows.times import joined_us

Kind = Literal["track", "episode"]
Scalar = str | int | float | bool

# No control characters and no white space at either end: an id stands in addresses, logs and tab-separated files.
Id = Annotated[
    str,
    Meta(max_length=512, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$(?!\n)"),
]
# `\S`: something to read; white space alone is no title.
Title = Annotated[str, Meta(max_length=2_000, pattern=r"\S")]
Name = Annotated[str, Meta(max_length=1_000, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=2_000_000)]
Tag = Annotated[str, Meta(max_length=200, pattern=r"\S")]
# ISO 3166-1 alpha-2, upper case, or "*" for everywhere. `$` alone would let a trailing newline pass.
Market = Annotated[str, Meta(pattern=r"^([A-Z]{2}|\*)$(?!\n)")]
# The shape of a BCP 47 tag; that it is registered, and in canonical form, is for `embedding.rows.languages`.
LanguageTag = Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}|x)(-[A-Za-z0-9]{1,8})*$(?!\n)")]
ExtraKey = Annotated[str, Meta(min_length=1, max_length=200)]
# Integers of 64 bits: what the engine and the columns can hold.
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
ExtraValue = Annotated[str, Meta(max_length=10_000)] | Int64 | float | bool
Duration = Annotated[float, Meta(ge=0, le=1e7)]
Age = Annotated[int, Meta(ge=0, le=120)]
Popularity = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=-1e6, le=1e6)]
EpochS = int
# What comes after a whole second; a whole second has none.
FractionUs = Annotated[int, Meta(ge=1, le=999_999)]


class Window(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One licence window: open at `at` when `from_s <= at < until_s`; None means no bound on that side."""

    market: Market
    from_s: EpochS | None = None
    until_s: EpochS | None = None


EVERYWHERE = (Window("*"),)


class Chapter(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A chapter of an episode: where it begins, in seconds, and its title."""

    start_s: Duration
    title: Title


class Item(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """One validated catalogue row; see docs/rows.md for the meaning of each field."""

    id: Id
    kind: Kind
    title: Title
    creator: Name
    creators: Annotated[tuple[Name, ...], Meta(max_length=500)] = ()
    text: Text | None = None
    chapters: Annotated[tuple[Chapter, ...], Meta(max_length=1_000)] = ()
    album: Name | None = None
    tags: Annotated[tuple[Tag, ...], Meta(max_length=500)] = ()
    language: LanguageTag | None = None
    duration_s: Duration | None = None
    published_at: EpochS | None = None
    # Microseconds after `published_at`.
    published_fraction_us: FractionUs | None = None
    explicit: bool | None = None
    min_age: Age = 0
    availability: Annotated[tuple[Window, ...], Meta(min_length=1, max_length=10_000)] = EVERYWHERE
    popularity: Popularity | None = None
    extra: Annotated[dict[ExtraKey, ExtraValue], Meta(max_length=100)] = msgspec.field(default_factory=dict)

    @property
    def all_creators(self) -> tuple[str, ...]:
        """`creators`, or the one `creator` where the row names no list: who made it."""
        return self.creators or (self.creator,)

    @property
    def credited(self) -> tuple[str, ...]:
        """All that the row names, `creator` last where it is not among `creators`: whom blocks and caps count."""
        return self.all_creators if self.creator in self.all_creators else (*self.creators, self.creator)

    @property
    def published_us(self) -> int | None:
        """`published_at` to the microsecond: microseconds since 1970."""
        return None if self.published_at is None else joined_us(self.published_at, self.published_fraction_us)


class Interaction(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One listen, save or skip; `at` in epoch seconds, negative `weight` for a skip or dislike."""

    user_id: Id
    item_id: Id
    at: float | None = None
    weight: Weight = 1.0
