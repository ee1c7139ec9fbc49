"""What may be shown to whom: docs/rules.md read a second time, in plain Python, over rows as they stand in the file.

The hunt's checker. It shares nothing with what it checks: no module of `indexing` (an import contract holds that), no
compiled filter, no columns, nothing cached. It is slow, and meant to be read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from embedding.rows.schema import Item
from embedding.rows.times import ceil_us
from service.hunt.plain_filter import fulfils
from service.hunt.plain_names import plain
from service.hunt.ranges import in_range


class Asked(Struct, frozen=True, kw_only=True):
    """Who asks, where and when; the words of `context` in a request, with nothing left out.

    `languages` and `kinds` None: all. `age` None: not known.
    """

    market: str
    at_s: int
    explicit: bool = True
    languages: tuple[str, ...] | None = None
    age: int | None = None
    kinds: tuple[str, ...] | None = None
    blocked_items: tuple[str, ...] = ()
    blocked_creators: tuple[str, ...] = ()
    filter: Mapping[str, Any] | None = None
    switches: Mapping[str, bool] = {}


class PlainRules:
    """The hard rules of one `rules.toml`, given as what its TOML says; a table that is not there says nothing."""

    def __init__(self, says: Mapping[str, Any]) -> None:
        self._says = says
        blocked = says.get("blocked", {})
        self.switches = tuple(says.get("switches", {}))
        """Names that a request may switch."""
        self.blocked_items = frozenset(blocked.get("items", ()))
        self._blocked_creators = {plain(name) for name in blocked.get("creators", ())}

    @property
    def has_caps(self) -> bool:
        """Whether lists may be shorter than the hard rules alone make them."""
        return bool(self._says.get("caps"))

    @property
    def recordings_once(self) -> bool:
        """Whether one recording comes once in a list, unless a request asks for it otherwise."""
        return bool(self._says.get("recordings", {}).get("once", True)) and not any(
            "recordings" in switch["rules"] for switch in self._says.get("switches", {}).values()
        )

    def forbids(self, item: Item, asked: Asked) -> str | None:
        """The rule that keeps `item` out, None when it may be shown."""
        if not _open(item, asked.market, asked.at_s):
            return "windows"
        if item.min_age > (asked.age or 0):
            return "age"
        if not asked.explicit and not self._clean(item):
            return "explicit"
        if asked.languages is not None and not self._spoken(item, asked.languages):
            return "languages"
        if asked.kinds is not None and item.kind not in asked.kinds:
            return "kinds"
        if item.id in self.blocked_items or item.id in asked.blocked_items:
            return "blocked"
        creators = {plain(name) for name in (item.creator, *item.creators)}
        if creators & self._blocked_creators or creators & {plain(name) for name in asked.blocked_creators}:
            return "blocked"
        if asked.filter is not None and not fulfils(item, asked.filter):
            return "filter"
        return self._by_the_file_alone(item, asked.switches)

    def _clean(self, item: Item) -> bool:
        if item.explicit is None:
            return self._unknown_passes("explicit")
        return not item.explicit

    def _spoken(self, item: Item, ranges: Sequence[str]) -> bool:
        if item.language is None:
            return self._unknown_passes("languages")
        return any(in_range(item.language, one) for one in ranges)

    def _by_the_file_alone(self, item: Item, switches: Mapping[str, bool]) -> str | None:
        """The rules that do not look at who asks, but for the switches that take one out of force."""
        says = self._says
        off = {
            rule
            for name, switch in says.get("switches", {}).items()
            if not switches.get(name, switch.get("default", True))
            for rule in switch["rules"]
        }
        if item.kind not in says.get("kinds", {}).get("allowed", ("track", "episode")):
            return "kinds"
        if "tags" not in off and not _in_lists(item.tags, says.get("tags", {})):
            return "tags"
        published = says.get("published", {})
        after, before = _at_us(published.get("after")), _at_us(published.get("before"))
        if "published" not in off and (after is not None or before is not None):
            if item.published_us is None:
                if not self._unknown_passes("published"):
                    return "published"
            elif (after is not None and item.published_us < after) or (
                before is not None and item.published_us >= before
            ):
                return "published"
        if "duration" not in off and not _within(item.duration_s, says.get("duration", {}), "min_s", "max_s"):
            return "duration"
        for name, extra in says.get("extra", {}).items():
            if f"extra.{name}" not in off and not _extra_passes(item, name, extra):
                return f"extra.{name}"
        return None

    def _unknown_passes(self, table: str) -> bool:
        return bool(self._says.get(table, {}).get("unknown", "allow") == "allow")


def recording_of(item: Item) -> tuple[str, ...] | None:
    """The same for tracks of the same creators, in any order, and title; an episode is none."""
    if item.kind != "track":
        return None
    return (*sorted({plain(name) for name in item.creators or (item.creator,)}), plain(item.title))


def _open(item: Item, market: str, at_s: int) -> bool:
    return any(
        window.market in (market, "*")
        and (window.from_s is None or window.from_s <= at_s)
        and (window.until_s is None or at_s < window.until_s)
        for window in item.availability
    )


def _in_lists(values: Sequence[str], lists: Mapping[str, Any]) -> bool:
    allowed, denied = lists.get("allowed", ()), lists.get("denied", ())
    return not any(value in denied for value in values) and (not allowed or any(value in allowed for value in values))


def _within(value: float | None, bounds: Mapping[str, Any], least: str, most: str) -> bool:
    low, high = bounds.get(least), bounds.get(most)
    if low is None and high is None:
        return True
    if value is None:
        return bool(bounds.get("unknown", "allow") == "allow")
    return (low is None or value >= low) and (high is None or value <= high)


def _extra_passes(item: Item, name: str, extra: Mapping[str, Any]) -> bool:
    value = item.extra.get(name)
    if extra["type"] == "keyword":
        words = {True: "true", False: "false"}
        word = words[value] if isinstance(value, bool) else value
        return _in_lists((word,) if isinstance(word, str) else (), extra)
    is_number = isinstance(value, int if extra["type"] == "integer" else int | float) and not isinstance(value, bool)
    return _within(value if is_number else None, extra, "min", "max")  # type: ignore[arg-type]


def _at_us(time: object) -> int | None:
    """TOML has dates and times of its own, and people write them as strings too; no offset is UTC."""
    return None if time is None else ceil_us(str(time))
