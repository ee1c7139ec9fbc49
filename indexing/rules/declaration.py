"""What a rules file means, as a whole: the RuleSet, what of it a request may switch off, and its version."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct, field

from embedding.rows.first_name_key import first_name_key
from embedding.rows.names import name_key
from embedding.rows.times import ceil_us
from indexing.errors import RulesError
from indexing.payload.payload import extra_field
from indexing.rules.arrangement import Arrangement
from indexing.rules.tables import (
    Blocked,
    Caps,
    Diversity,
    Duration,
    Extra,
    Freshness,
    Kinds,
    NoSay,
    OwnLanguage,
    Popularity,
    Published,
    Recordings,
    Seen,
    Switch,
    Tags,
    UnknownSay,
)

# Raised when the same file would mean something else, so that versions never stand for two meanings.
_MEANING = 1
# Hard rules that a file may make, and a switch turn off, besides those of its [extra.NAME].
HARD = frozenset({"tags", "published", "duration"})
ARRANGEMENT = frozenset({"caps", "diversity", "freshness", "popularity", "own_language", "recordings", "seen"})


class RuleSet(Struct, frozen=True, kw_only=True):
    """One accepted rules file; the rules it does not mention are in force with their defaults."""

    windows: NoSay = NoSay()
    explicit: UnknownSay = UnknownSay()
    languages: UnknownSay = UnknownSay()
    age: NoSay = NoSay()
    kinds: Kinds = Kinds()
    blocked: Blocked = Blocked()
    tags: Tags = Tags()
    published: Published = Published()
    duration: Duration = Duration()
    extra: dict[str, Extra] = field(default_factory=dict)
    caps: Caps = Caps()
    diversity: Diversity = Diversity()
    freshness: Freshness = Freshness()
    popularity: Popularity = Popularity()
    own_language: OwnLanguage = OwnLanguage()
    recordings: Recordings = Recordings()
    seen: Seen = Seen()
    switches: dict[str, Switch] = field(default_factory=dict)

    @property
    def switchable(self) -> frozenset[str]:
        """Names of the rules that a switch may turn off; the others are in force whatever a request says."""
        return HARD | ARRANGEMENT | {f"extra.{name}" for name in self.extra}

    def switched_off(self, switches: Mapping[str, bool]) -> frozenset[str]:
        """Names of the rules that `switches` turn off; RulesError for one that is not declared."""
        for name in switches:
            if name not in self.switches:
                there_are = ", ".join(sorted(self.switches)) or "no switches at all"
                raise RulesError(f"switches: the rules declare {there_are}; {name!r} came")
        off = (switch.rules for name, switch in self.switches.items() if not switches.get(name, switch.default))
        return frozenset().union(*off)

    def hard_switches(self, switches: Mapping[str, bool]) -> frozenset[tuple[str, bool]]:
        """Those of `switches` that change which items may be shown, and are not as they would be unsaid."""
        return frozenset(
            (name, on)
            for name, on in switches.items()
            if (switch := self.switches[name]).default != on and not ARRANGEMENT.issuperset(switch.rules)
        )

    def arrangement(self, switches: Mapping[str, bool]) -> Arrangement:
        """What the arrangement rules say for a request that set `switches`; RulesError for one that is not declared."""
        off = self.switched_off(switches)
        caps = Caps() if "caps" in off else self.caps
        freshness = Freshness() if "freshness" in off else self.freshness
        return Arrangement(
            max_per_creator=caps.per_creator,
            max_per_tag=caps.per_tag,
            diversity=0.0 if "diversity" in off else self.diversity.strength,
            freshness=freshness.boost,
            freshness_half_life_days=freshness.half_life_days,
            popularity=0.0 if "popularity" in off else self.popularity.boost,
            own_language=0.0 if "own_language" in off else self.own_language.boost,
            same_recording="recordings" in off or not self.recordings.once,
            exclude_seen="seen" not in off and self.seen.exclude,
        )

    @property
    def extra_fields(self) -> frozenset[str]:
        """The declared fields of `extra`, by the names that filters know them by."""
        return frozenset(extra_field(name, extra.type) for name, extra in self.extra.items())

    @property
    def needed_fields(self) -> frozenset[str]:
        """Those of `extra_fields` that a rule asks something of."""
        return frozenset(extra_field(name, extra.type) for name, extra in self.extra.items() if extra.asks)

    @property
    def blocked_items(self) -> frozenset[str]:
        """Ids of the items that nobody is shown."""
        return frozenset(self.blocked.items)

    @property
    def blocked_creators(self) -> frozenset[str]:
        """Creators that nobody is shown, in `name_key` form."""
        return frozenset(name_key(name) for name in self.blocked.creators)


def at_us(time: str | None) -> int | None:
    """Microseconds since 1970 of a time in a rules file, rounded up: what is published has no finer times, so that
    from then on, and before then, mean the same. ValueError for anything else."""
    return None if time is None else ceil_us(time)


def rules_version(ruleset: RuleSet) -> str:
    """16 hex digits of a hash over what the rules mean: comments, order and spelling of the file do not change it."""
    meaning = {
        "meaning": _MEANING,
        "explicit": ruleset.explicit.unknown,
        "languages": ruleset.languages.unknown,
        "blocked_items": sorted(ruleset.blocked_items),
        # By the first of the keys that names ever had: what was accepted under a version keeps it.
        "blocked_creators": sorted(set(map(first_name_key, ruleset.blocked.creators))),
        "exclude_seen": ruleset.seen.exclude,
        **_optional(ruleset),
    }
    return blake2b(msgspec.json.encode(meaning, order="deterministic"), digest_size=8).hexdigest()


def _optional(ruleset: RuleSet) -> dict[str, Any]:
    """What the tables say that may as well say nothing: one that says what the packaged file does is left out."""
    return {table: says for table, says in _said(ruleset).items() if says != _PACKAGED[table]}


def _said(ruleset: RuleSet) -> dict[str, Any]:
    published, tags = ruleset.published, ruleset.tags
    return {
        "kinds": _as_set(ruleset.kinds.allowed),
        "tags": [_as_set(tags.allowed), _as_set(tags.denied)],
        "published": [_seconds(published.after), _seconds(published.before), published.unknown],
        "duration": ruleset.duration,
        "extra": {
            name: [extra.type, _as_set(extra.allowed), _as_set(extra.denied), extra.min, extra.max, extra.unknown]
            for name, extra in ruleset.extra.items()
        },
        "caps": ruleset.caps,
        "diversity": ruleset.diversity,
        "freshness": ruleset.freshness,
        "popularity": ruleset.popularity,
        "own_language": ruleset.own_language,
        "recordings": ruleset.recordings,
        "switches": {name: [_as_set(switch.rules), switch.default] for name, switch in ruleset.switches.items()},
    }


def _seconds(time: str | None) -> int | list[int] | None:
    # Whole seconds as ever, so that the version of rules that say no more stays what it was.
    us = at_us(time)
    return None if us is None else us // 1_000_000 if us % 1_000_000 == 0 else list(divmod(us, 1_000_000))


def _as_set(values: tuple[str, ...]) -> list[str]:
    return sorted(set(values))


_PACKAGED = _said(RuleSet())
