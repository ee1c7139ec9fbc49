"""What each hard rule asks of an item in one context, in the words of the filter algebra."""

from collections.abc import Iterator
from typing import get_args

from embedding.rows.schema import Kind
from indexing.filters.algebra import All, Filter, NoneOf, OneOf, Range
from indexing.filters.published import published_range
from indexing.filters.spoken import ANY_LANGUAGE, spoken
from indexing.payload.payload import EXPLICIT_NO, EXPLICIT_UNKNOWN, extra_field
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, at_us
from indexing.rules.tables import Extra, Say

_ALL_KINDS = frozenset(get_args(Kind))

# A rule's name, as in the file, and one thing that it asks.
Condition = tuple[str, Filter]


def conditions(ruleset: RuleSet, context: RequestContext, open_classes: frozenset[int]) -> list[Condition]:
    """All that is asked of an item for `context`, but for the blocklists; `open_classes` are those of its market and
    time. What the request itself asks, by its filter, stands under the name `filter`."""
    off = ruleset.switched_off(dict(context.switches))
    found = [("windows", OneOf("availability_class", open_classes)), *_of_context(ruleset, context)]
    found += [(name, condition) for name, condition in _of_file(ruleset) if name not in off]
    if context.filter is not None:
        # Side by side, so that the engine's planner sees each of them.
        parts = context.filter.parts if isinstance(context.filter, All) else (context.filter,)
        found += [("filter", part) for part in parts]
    return found


def blocking(creators: frozenset[str]) -> Filter:
    """That none of an item's creators, in `name_key` form, is blocked."""
    return NoneOf((OneOf("creator_keys", creators),))


def _of_context(ruleset: RuleSet, context: RequestContext) -> Iterator[Condition]:
    if not context.explicit:
        allowed = {EXPLICIT_NO, EXPLICIT_UNKNOWN} if ruleset.explicit.unknown == "allow" else {EXPLICIT_NO}
        yield "explicit", OneOf("explicit", frozenset(allowed))
    # Nobody knows how old: as if younger than every minimum.
    yield "age", Range("min_age", lte=context.age or 0)
    if context.languages is not None:
        allow_unknown = ruleset.languages.unknown == "allow"
        if not (allow_unknown and ANY_LANGUAGE in context.languages):
            yield "languages", spoken(context.languages, or_unknown=allow_unknown)
    kinds = frozenset(ruleset.kinds.allowed)
    if context.kinds is not None:
        kinds &= context.kinds
    if kinds != _ALL_KINDS:
        yield "kinds", OneOf("kind", frozenset(map(str, kinds)))


def _of_file(ruleset: RuleSet) -> Iterator[Condition]:
    """What the file asks of every item, whoever wants it."""
    yield from (("tags", condition) for condition in _values("tags", ruleset.tags.allowed, ruleset.tags.denied))
    published, duration = ruleset.published, ruleset.duration
    after_us, before_us = at_us(published.after), at_us(published.before)
    if after_us is not None or before_us is not None:
        yield "published", _published(after_us, before_us, published.unknown)
    if duration.min_s is not None or duration.max_s is not None:
        yield "duration", _within(Range("duration_s", gte=duration.min_s, lte=duration.max_s), duration.unknown)
    for name, extra in ruleset.extra.items():
        yield from ((f"extra.{name}", condition) for condition in _of_extra(name, extra))


def _of_extra(name: str, extra: Extra) -> list[Filter]:
    field = extra_field(name, extra.type)
    if extra.min is not None or extra.max is not None:
        return [_within(Range(field, gte=extra.min, lte=extra.max), extra.unknown)]
    return _values(field, extra.allowed, extra.denied)


def _values(field: str, allowed: tuple[str, ...], denied: tuple[str, ...]) -> list[Filter]:
    found: list[Filter] = []
    if allowed:
        found.append(OneOf(field, frozenset(allowed)))
    if denied:
        found.append(NoneOf((OneOf(field, frozenset(denied)),)))
    return found


def _published(after_us: int | None, before_us: int | None, unknown: Say) -> Filter:
    """As `_within`."""
    if unknown == "deny":
        return published_range(gte=after_us, lt=before_us)
    outside = []
    if after_us is not None:
        outside.append(published_range(lt=after_us))
    if before_us is not None:
        outside.append(published_range(gte=before_us))
    return NoneOf(tuple(outside))


def _within(where: Range, unknown: Say) -> Filter:
    """That the number lies in the range; with `allow`, that it does not lie outside, so that no number passes too."""
    if unknown == "deny":
        return where
    outside = []
    if where.gte is not None:
        outside.append(Range(where.field, lt=where.gte))
    if where.lte is not None:
        outside.append(Range(where.field, gt=where.lte))
    return NoneOf(tuple(outside))
