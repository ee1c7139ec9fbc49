"""What each table of a rules file does, in words for the people who write it."""

from collections.abc import Iterable

from indexing.rules.declaration import RuleSet
from indexing.rules.tables import Extra

_VERB = {"allow": "shown", "deny": "kept out"}


def descriptions_of(ruleset: RuleSet) -> dict[str, str]:
    """What each table does, in the order of the packaged file; of tables that a file names, one entry each."""
    return {
        "windows": "an item is shown in a market while one of its windows is open there",
        "explicit": "where a request wants no explicit items, those not known are " + _VERB[ruleset.explicit.unknown],
        "languages": "where a request names languages, items without one are " + _VERB[ruleset.languages.unknown],
        "age": "an item with a minimum age is shown to those known to be that old",
        "kinds": f"{' and '.join(f'{kind}s' for kind in sorted(set(ruleset.kinds.allowed)))} may be shown",
        "blocked": f"{len(ruleset.blocked_items)} items and {len(ruleset.blocked_creators)} creators are never shown",
        "tags": _values("tag", ruleset.tags.allowed, ruleset.tags.denied),
        "published": _published(ruleset),
        "duration": _bounds(" s long", ruleset.duration.min_s, ruleset.duration.max_s, ruleset.duration.unknown),
        **{f"extra.{name}": _extra(extra) for name, extra in ruleset.extra.items()},
        "caps": _caps(ruleset),
        "diversity": f"unlikeness to the hits before counts for {ruleset.diversity.strength:g} of 1"
        if ruleset.diversity.strength
        else "asks nothing",
        "freshness": f"a new item's score gains {ruleset.freshness.boost:g}, half of it after each "
        f"{ruleset.freshness.half_life_days:g} days"
        if ruleset.freshness.boost
        else "asks nothing",
        "popularity": f"the most popular item's score gains {ruleset.popularity.boost:g}, others in proportion"
        if ruleset.popularity.boost
        else "asks nothing",
        "own_language": f"in the language that a request names first a score gains {ruleset.own_language.boost:g}"
        if ruleset.own_language.boost
        else "asks nothing",
        "recordings": f"one recording comes {'once' if ruleset.recordings.once else 'as often as it likes'}",
        "seen": "items that a known user has heard "
        + ("are left out of that user's recommendations" if ruleset.seen.exclude else "may be recommended again"),
        **{
            f"switches.{name}": f"a request may turn {_listed(switch.rules)} on and off; unsaid it is "
            + ("on" if switch.default else "off")
            for name, switch in ruleset.switches.items()
        },
    }


def _values(what: str, allowed: tuple[str, ...], denied: tuple[str, ...]) -> str:
    parts = []
    if allowed:
        parts.append(f"an item needs the {what} {_listed(allowed, 'or')}")
    if denied:
        parts.append(f"one with the {what} {_listed(denied, 'or')} is kept out")
    return "; ".join(parts) or "asks nothing"


def _published(ruleset: RuleSet) -> str:
    published = ruleset.published
    parts = []
    if published.after is not None:
        parts.append(f"from {published.after} on")
    if published.before is not None:
        parts.append(f"before {published.before}")
    if not parts:
        return "asks nothing"
    return f"items published {' and '.join(parts)} are shown; those of unknown time are {_VERB[published.unknown]}"


def _bounds(unit: str, least: float | None, most: float | None, unknown: str) -> str:
    parts = []
    if least is not None:
        parts.append(f"{least:g} or more")
    if most is not None:
        parts.append(f"{most:g} or less")
    if not parts:
        return "asks nothing"
    return f"items of {' and '.join(parts)}{unit} are shown; those not known are {_VERB[unknown]}"


def _extra(extra: Extra) -> str:
    if not extra.asks:
        return f"requests may filter by this {extra.type}"
    if extra.type == "keyword":
        return _values("value", extra.allowed, extra.denied)
    return _bounds("", extra.min, extra.max, extra.unknown)


def _caps(ruleset: RuleSet) -> str:
    caps = ruleset.caps
    parts = []
    if caps.per_creator is not None:
        parts.append(f"at most {caps.per_creator} hits of a creator")
    if caps.per_tag is not None:
        parts.append(f"at most {caps.per_tag} hits with a tag")
    return ", ".join(parts) or "asks nothing"


def _listed(names: Iterable[str], joined_by: str = "and") -> str:
    *most, last = sorted(set(names))
    return f"{', '.join(most)} {joined_by} {last}" if most else last
