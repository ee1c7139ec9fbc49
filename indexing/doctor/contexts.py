"""Which requests stand for each shape: every combination that the rules can make of what a release holds."""

import itertools
from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from embedding.rows.schema import Kind
from indexing.columns.field_columns import PointFields
from indexing.columns.rule_combinations import RuleCombinations
from indexing.filters.algebra import fields_of
from indexing.payload.availability import ANY_MARKET, AvailabilityClasses
from indexing.payload.payload import NO_LANGUAGE
from indexing.rules.compiled import FEW_CREATORS, HardRules
from indexing.rules.context import RequestContext
from indexing.search.measured import band_of

# A market that no availability list names: it sees what is open everywhere. ISO 3166-1 leaves XX to its users.
_UNNAMED_MARKET = "XX"
# The languages most asked for, and of the rest the rarest: a narrow shape needs a context too.
_COMMON_LANGUAGES, _RARE_LANGUAGES = 4, 2
# Older than any min_age that a row may have.
_OLD_ENOUGH = 200


class ShapeContexts(Struct, frozen=True, kw_only=True):
    """The `fields` that requests of a shape have conditions on, their band, and contexts from low share to high."""

    fields: tuple[str, ...]
    band: float
    shares: tuple[float, ...]
    contexts: tuple[RequestContext, ...]


def shapes_of(
    rules: HardRules, fields: PointFields, classes: AvailabilityClasses, at_s: int, contexts_each: int
) -> list[ShapeContexts]:
    """Every shape that the rules can make at `at_s`, with at most `contexts_each` contexts.

    Few fields and broad bands come first: most requests are such. After all of them, the same for requests that block
    a few creators, with one context each, in which whoever asks is still to name them.
    """
    found: dict[tuple[tuple[str, ...], float], list[tuple[float, RequestContext]]] = {}
    for context in _contexts(fields.combinations, classes, at_s):
        where = rules.without_blocklists(context)
        share = fields.share(where)
        found.setdefault((tuple(sorted(fields_of(where))), band_of(share)), []).append((share, context))
    shapes = [
        _spread(fields, band, sorted(of_shape, key=lambda pair: pair[0]), contexts_each)
        for (fields, band), of_shape in found.items()
    ]
    shapes.sort(key=lambda shape: (len(shape.fields), -shape.band, shape.fields))
    return shapes + [_blocking(shape) for shape in shapes]


def _blocking(shape: ShapeContexts) -> ShapeContexts:
    fields = tuple(sorted((*shape.fields, FEW_CREATORS)))
    return replace(shape, fields=fields, shares=shape.shares[:1], contexts=shape.contexts[:1])


def _spread(
    fields: tuple[str, ...], band: float, ranked: list[tuple[float, RequestContext]], contexts_each: int
) -> ShapeContexts:
    """Of all contexts of a shape: the narrowest, the broadest, and some between."""
    places = np.unique(np.linspace(0, len(ranked) - 1, num=contexts_each).astype(np.int64)).tolist()
    shares, contexts = zip(*(ranked[place] for place in places), strict=True)
    return ShapeContexts(fields=fields, band=band, shares=shares, contexts=contexts)


def _contexts(combinations: RuleCombinations, classes: AvailabilityClasses, at_s: int) -> Iterable[RequestContext]:
    ages = (None, _OLD_ENOUGH) if any(combination.min_age > 0 for combination in combinations.distinct) else (None,)
    for market, explicit, age, languages, kinds in itertools.product(
        _markets(classes), (True, False), ages, _languages(combinations), _kinds(combinations)
    ):
        yield RequestContext(market=market, at_s=at_s, explicit=explicit, languages=languages, age=age, kinds=kinds)


def _markets(classes: AvailabilityClasses) -> list[str]:
    return [*sorted(classes.markets() - {ANY_MARKET}), _UNNAMED_MARKET]


def _languages(combinations: RuleCombinations) -> list[frozenset[str] | None]:
    rows: Counter[str] = Counter()
    for combination, count in zip(combinations.distinct, combinations.counts.tolist(), strict=True):
        # The shortest prefix comes first, and takes all the longer ones.
        rows[combination.languages[0]] += count
    del rows[NO_LANGUAGE]
    ranked = [language for language, _ in rows.most_common()]
    chosen = [*ranked[:_COMMON_LANGUAGES], *ranked[_COMMON_LANGUAGES:][-_RARE_LANGUAGES:]]
    return [None, *(frozenset({language}) for language in chosen)]


def _kinds(combinations: RuleCombinations) -> list[frozenset[Kind] | None]:
    kinds = sorted({combination.kind for combination in combinations.distinct})
    return [None, *(frozenset({kind}) for kind in kinds)]
