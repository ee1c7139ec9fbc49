"""Planted bad shapes: broad conditions that, joined, pass .4 % to 50 %, with the vectors and against them.

A centre leans towards one language, one kind, one label and one rating. Conditions that lean towards the same
centres pass more than by chance, in a few dense places; those that lean apart pass little, scattered everywhere.
"""

import random
from collections.abc import Iterator

from benchmarks.harness.world import NOW_S, NUM_CENTRES
from indexing.rules.context import RequestContext

# What a centre leans to, by its number; an item follows its centre this often.
_FOLLOWS = 0.75
_LANGUAGES = ("en",) * 9 + ("sv",) * 5 + ("de",) * 3 + ("ja",) * 2 + ("is",)
_LABELS: dict[str, tuple[str, ...]] = {
    "everywhere": ("*",),
    "north": ("SE", "GB", "DE"),
    "west": ("US", "GB", "BR"),
    "east": ("JP", "US"),
    "one": ("JP", "MX"),
}
_LABEL_OF = ("everywhere",) * 4 + ("north",) * 7 + ("west",) * 5 + ("east",) * 3 + ("one",)


def _asks(market: str, **more: object) -> RequestContext:
    return RequestContext(market=market, at_s=NOW_S, age=30, **more)  # type: ignore[arg-type]


_EN, _SV, _DE, _JA, _IS = (frozenset({language}) for language in ("en", "sv", "de", "ja", "is"))
_TRACKS, _EPISODES = frozenset({"track"}), frozenset({"episode"})

# Name and context, from broad to narrow; what each passes is counted by the benchmark.
SHAPES: tuple[tuple[str, RequestContext], ...] = (
    ("market", _asks("SE")),
    ("market, clean", _asks("SE", explicit=False)),
    ("market, kind", _asks("GB", kinds=_TRACKS)),
    ("market, clean, kind", _asks("SE", explicit=False, kinds=_TRACKS)),
    ("market, language", _asks("SE", languages=_EN)),
    ("two markets' overlap, kind", _asks("US", kinds=_EPISODES)),
    ("market, language, clean", _asks("SE", languages=_EN, explicit=False)),
    ("narrow market, clean", _asks("JP", explicit=False)),
    ("market, rarer language", _asks("US", languages=_SV)),
    ("market, rarer language, kind", _asks("GB", languages=_DE, kinds=_EPISODES)),
    ("narrow market, language, clean", _asks("JP", languages=_SV, explicit=False)),
    ("narrowest market, kind", _asks("MX", kinds=_EPISODES, explicit=False)),
    ("market, rare language", _asks("SE", languages=_JA)),
    ("narrow market, rare language, kind", _asks("JP", languages=_JA, kinds=_TRACKS)),
    ("market, rarest language, kind", _asks("DE", languages=_IS, kinds=_TRACKS)),
    ("narrowest market, language, kind, clean", _asks("MX", languages=_JA, kinds=_EPISODES, explicit=False)),
)


def planted_rows(num_items: int) -> Iterator[dict[str, object]]:
    """Catalogue rows in the form that `benchmarks.harness.world` builds from."""
    dice = random.Random(11)
    for number in range(num_items):
        centre = dice.randrange(NUM_CENTRES)
        yield {
            "id": f"item:{number}",
            "kind": _lean(dice, centre, 3, ("track", "track", "episode")),
            "title": f"centre-{centre} item-{number}",
            "creator": f"Creator {dice.randrange(num_items // 20 + 1)}",
            "language": _lean(dice, centre, 7, _LANGUAGES),
            "explicit": _lean(dice, centre, 11, (False, False, False, True, True)),
            "min_age": dice.choice((0, 0, 0, 16)),
            "availability": [
                {"market": market, "from": f"20{dice.randrange(10, 26)}-01-01"}
                for market in _LABELS[_lean(dice, centre, 13, _LABEL_OF)]
            ],
        }


def _lean(dice: random.Random, centre: int, salt: int, values: tuple[object, ...]) -> "str":
    """The value of the item's centre, or now and then any."""
    if dice.random() < _FOLLOWS:
        return values[centre * salt // 3 % len(values)]  # type: ignore[return-value]
    return dice.choice(values)  # type: ignore[return-value]
