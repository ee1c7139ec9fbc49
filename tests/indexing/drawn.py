"""Filters, windows, items, rule sets and contexts drawn at random, from few values so that conditions often meet."""

import random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from embedding.rows.names import name_key
from embedding.rows.schema import EVERYWHERE, Item, Scalar, Window
from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.payload.payload import Payload, payload_of
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.rules.tables import Blocked, Duration, Extra, Kinds, Published, Seen, Switch, Tags, UnknownSay

T = TypeVar("T")

# Many cases, the same ones each time, on a machine that may be busy. Nothing is shrunk: a message names one case.
AT_LENGTH = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

TAGS = ("jazz", "live", "crime", "50s", "")
LANGUAGES = ("en", "en-US", "en-us-x-a", "EN-gb", "it", "de-AT", "e")
RANGES = ("en", "EN", "en-us", "It", "de", "de-at", "e", "fr", "*", "?", "en-u")
CREATORS = ("Ana B", "ana  b", "ANA Ｂ", "Cy", "Straße", "STRASSE", "O'Neil")
MARKETS = ("SE", "GB", "US", "*")
# Windows begin and end on few times, so that they overlap, touch and end just when they are asked about.
TIMES_S = (0, 10, 20, 30, 40, 2_000_000_000)
CLASSES = (7, 2**62 + 1, 2**63 - 1, 1, 2)
AGES = (0, 7, 12, 18)
DURATIONS_S = (0.0, 0.1, 212.5, 212.50000000000003, 3600.0, 1e7)
PUBLISHED = (-5, 0, 1, 1_600_000_000, 2**40)
# Values of `extra` by the name of the field: of its type, of another one, and at the ends of what is compared.
MOODS = ("calm", "grim", "?", "", True, False, 7, 1.5)
BPMS = (0, 60, 61, -(2**53) + 1, 2**53 - 1, 2**53, 2**62, 60.0, "60", True)
GAINS = (0.0, -3.5, 12, 1e300, 2**53 + 1, "0.0", False)
EXTRA_FIELDS = ("extra.float.gain", "extra.integer.bpm", "extra.keyword.mood")
FRACTIONS_US = (None, 1, 500_000, 999_999)
BOUNDS = (*DURATIONS_S, *map(float, PUBLISHED), -0.5, 0.5, 7.0, 6.999, float("inf"))


_KEYWORDS = {
    "kind": ("track", "episode"),
    "tags": TAGS,
    "languages": ("en", "en-us", "it", "de", "?"),
    "creator_keys": tuple(map(name_key, CREATORS)),
    "extra.keyword.mood": ("calm", "grim", "?", "", "true", "false"),
}
_NUMBERS = {
    "availability_class": CLASSES,
    "explicit": (0, 1, 2),
    "min_age": AGES,
    "published_at": PUBLISHED,
    "published_fraction_us": (1, 500_000, 999_999),
    "extra.integer.bpm": (0, 60, 61, -(2**53) + 1, 2**53 - 1, 2**53, 2**62),
}
_RANGES = ("duration_s", "published_at", "published_fraction_us", "min_age", "extra.integer.bpm", "extra.float.gain")


def filters(num_rows: int) -> st.SearchStrategy[Filter]:
    """Filters of every kind, nested a few deep, over the values that `payloads` draws from.

    Hypothesis picks the seeds alone: left to build the filters, it repeats simple ones and finds less in as many.
    """
    return st.integers(0, 2**62).map(lambda seed: _filter(random.Random(seed), num_rows, 3))


def _filter(draw: random.Random, num_rows: int, depth: int) -> Filter:
    if depth > 0 and draw.random() < 0.5:
        parts = tuple(_filter(draw, num_rows, depth - 1) for _ in range(draw.choice((0, 1, 2, 2, 3))))
        return draw.choice((All, AnyOf, NoneOf))(parts)
    shape = draw.randrange(8)
    if shape < 3:
        field = draw.choice(tuple(_KEYWORDS))
        return _equality(draw, field, (*_KEYWORDS[field], "none of these"))
    if shape < 5:
        field = draw.choice(tuple(_NUMBERS))
        return _equality(draw, field, (*_NUMBERS[field], 999, -(2**63)))
    if shape < 7:
        bounds = [draw.choice((None, draw.choice(BOUNDS))) for _ in range(4)]
        return Range(draw.choice(_RANGES), *bounds)
    return HasId(frozenset(draw.sample(range(num_rows + 5), draw.randint(0, num_rows))))


def _equality(draw: random.Random, field: str, values: tuple[str | int, ...]) -> Filter:
    if draw.random() < 0.4:
        return Equals(field, draw.choice(values))
    return OneOf(field, frozenset(draw.sample(values, draw.randint(0, len(values)))))  # type: ignore[arg-type]


def windows() -> st.SearchStrategy[tuple[Window, ...]]:
    """Window lists, several of one market among them, some of which end before they begin."""
    edge = st.none() | st.sampled_from(TIMES_S)
    return st.lists(st.builds(Window, st.sampled_from(MARKETS), edge, edge), max_size=6).map(tuple)


def items(seed: int, num: int) -> list[Item]:
    """Items with every field that filters and rules read, each left out now and then."""
    draw = random.Random(seed)
    # Many items share a list, as in a catalogue; a list an item would make each class a long one to ask for.
    lists = [_window_list(draw) for _ in range(25)]

    def maybe(values: tuple[object, ...]) -> object:
        return draw.choice((None, *values))

    drawn = []
    for row in range(num):
        creators = tuple(draw.sample(CREATORS, draw.randint(1, 3)))
        published_at = maybe(PUBLISHED)
        drawn.append(
            Item(
                id=f"i{row}",
                kind=draw.choice(("track", "episode")),
                title="t",
                creator=creators[0],
                creators=draw.choice(((), creators)),
                tags=tuple(draw.sample(TAGS, draw.randint(0, 3))),
                language=maybe(LANGUAGES),  # type: ignore[arg-type]
                duration_s=maybe(DURATIONS_S),  # type: ignore[arg-type]
                published_at=published_at,  # type: ignore[arg-type]
                published_fraction_us=None if published_at is None else draw.choice(FRACTIONS_US),
                explicit=maybe((True, False)),  # type: ignore[arg-type]
                min_age=draw.choice(AGES),
                availability=draw.choice(lists),
                extra=_extra(draw),
            )
        )
    return drawn


def _extra(draw: random.Random) -> dict[str, Scalar]:
    values: dict[str, tuple[Scalar, ...]] = {"mood": MOODS, "bpm": BPMS, "gain": GAINS, "other": (1, "x")}
    return {name: draw.choice(values[name]) for name in values if draw.random() < 0.8}


def _window_list(draw: random.Random) -> tuple[Window, ...]:
    if draw.random() < 0.3:
        return EVERYWHERE
    listed = []
    for _ in range(draw.randint(1, 5)):
        from_s, until_s = sorted(draw.sample(TIMES_S, 2))
        listed.append(
            Window(draw.choice(MARKETS), draw.choice((None, from_s, from_s)), draw.choice((None, until_s, until_s)))
        )
    return tuple(listed)


def payloads(seed: int, num: int) -> list[Payload]:
    """Payloads of drawn items, with classes that are mere numbers."""
    draw = random.Random(seed)
    return [payload_of(item, draw.choice(CLASSES), 0.5) for item in items(seed, num)]


_says = st.builds(UnknownSay, st.sampled_from(("allow", "deny")))


def _lists(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


def _seldom(otherwise: T, drawn: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    # Tables that all ask at once leave hardly an item.
    return st.integers(0, 7).flatmap(lambda dice: drawn if dice == 0 else st.just(otherwise))


def _bounds(values: tuple[float, ...]) -> st.SearchStrategy[float | None]:
    return st.none() | st.sampled_from(values)


_days = st.none() | st.sampled_from(
    ("1969-12-31", "1970-01-01", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.5Z", "2020-09-13T12:26:40Z")
)
_allow = st.sampled_from(("allow", "deny"))
_extras: st.SearchStrategy[dict[str, Extra]] = st.fixed_dictionaries(
    {
        "mood": st.builds(Extra, st.just("keyword"), _lists(("calm", "?", "true")), _lists(("grim", "false"))),
        "bpm": st.builds(
            Extra, st.just("integer"), min=_bounds((0.0, 60.5)), max=_bounds((60.0, 2.0**53 - 1)), unknown=_allow
        ),
        "gain": st.builds(Extra, st.just("float"), min=_bounds((-3.5,)), max=_bounds((0.0, 1e15)), unknown=_allow),
    }
)
_switches: st.SearchStrategy[dict[str, Switch]] = st.just({}) | st.fixed_dictionaries(
    {
        "plain": st.builds(Switch, st.just(("tags", "caps")), st.booleans()),
        "recent": st.builds(Switch, st.just(("published",)), st.booleans()),
    }
)


def rule_sets(num_items: int) -> st.SearchStrategy[RuleSet]:
    """Rule sets with every table; their blocklists name a few of the drawn items and creators."""
    ids = st.lists(st.integers(0, num_items - 1).map(lambda row: f"i{row}"), max_size=4).map(tuple)
    names = st.just(()) | st.lists(st.sampled_from(CREATORS), max_size=1).map(tuple)
    return st.builds(
        RuleSet,
        explicit=_says,
        languages=_says,
        kinds=st.builds(Kinds, st.sampled_from((*[("track", "episode")] * 5, ("track",)))),
        blocked=st.builds(Blocked, ids, names),
        tags=_seldom(Tags(), st.builds(Tags, _lists(("jazz", "50s", "")), _lists(("crime",)))),
        published=_seldom(Published(), st.builds(Published, _days, _days, _allow)),
        duration=_seldom(Duration(), st.builds(Duration, _bounds((0.1,)), _bounds((212.5, 3600.0)), _allow)),
        extra=_seldom({}, _extras),
        switches=_switches,
        seen=st.builds(Seen, st.booleans()),
    )


def contexts() -> st.SearchStrategy[RequestContext]:
    """Contexts at and around the times when windows begin and end, in markets with windows and without."""
    near = st.sampled_from(TIMES_S).flatmap(lambda at_s: st.sampled_from((at_s - 1, at_s, at_s + 1)))
    wanted = st.frozensets(st.sampled_from(RANGES), max_size=3)
    keys = st.sampled_from(CREATORS).map(name_key)
    return st.builds(
        RequestContext,
        market=st.sampled_from(("SE", "GB", "US", "JP")),
        at_s=near | st.integers(-20, 100),
        explicit=st.booleans(),
        languages=st.none() | wanted,
        age=st.none() | st.sampled_from((*AGES, 6, 17, 30)),
        kinds=st.none() | st.frozensets(st.sampled_from(("track", "episode"))),
        blocked_creators=st.just(frozenset[str]()) | st.frozensets(keys, max_size=2),
        filter=_seldom(None, filters(0)),
    )
