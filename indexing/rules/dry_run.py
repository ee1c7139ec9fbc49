"""What a rules file would do to a catalogue: how many items each rule keeps out, market by market, and who is left."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from msgspec import Struct

from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.filters.algebra import Filter, OneOf
from indexing.payload.availability import ANY_MARKET, AvailabilityClasses
from indexing.payload.payload import checked_extra, extra_value, payload_of
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version

# All markets that no item names, and the code that stands for them: ISO 3166-1 leaves it to its users.
OTHERS, _OTHERS_CODE = "others", "XX"


class MarketRun(Struct, frozen=True, kw_only=True):
    """One market: `removed` are the items that each rule keeps out by itself, `left` those that all let pass."""

    market: str
    removed: dict[str, int]
    left: int


class DryRun(Struct, frozen=True, kw_only=True):
    """The whole: `items` read, `rejected` rows, how many items have each declared field of `extra`, and what rules name
    and no item has."""

    items: int
    rejected: int
    extra: dict[str, int]
    unmatched: tuple[str, ...]
    markets: tuple[MarketRun, ...]


def dry_run(ruleset: RuleSet, catalogue: Path, at_s: int, markets: Sequence[str] = ()) -> DryRun:
    """Try the rules on a catalogue, for a request that says its market alone: in every market that an item names and in
    the others, or in `markets`. Raises what `read_catalogue` raises."""
    with TemporaryDirectory(prefix="nearfield-dry-run-") as scratch:
        folder = Path(scratch)
        classes, writer = AvailabilityClasses(), FieldColumnsWriter(ruleset.extra_fields)
        having: Counter[str] = Counter({f"extra.{name}": 0 for name in ruleset.extra})
        blocked_rows: list[int] = []
        num_items = 0
        with Rejects(folder / "rejects.jsonl") as rejects:
            for items in read_catalogue(catalogue, rejects):
                payloads = [payload_of(item, classes.add(item.availability), 0.0) for item in items]
                writer.add(payloads)
                for row, payload in enumerate(payloads, start=num_items):
                    if payload.id in ruleset.blocked_items:
                        blocked_rows.append(row)
                    for field in ruleset.extra_fields:
                        name, field_type = checked_extra(field)
                        having[f"extra.{name}"] += extra_value(payload.extra, name, field_type) is not None
                num_items += len(items)
            num_rejected = rejects.rejected
        writer.save(folder)
        fields = FieldColumns(folder)
        rules = HardRules(ruleset, rules_version(ruleset), classes, lambda _: None, fields.share)
        asked = list(markets) or [*sorted(classes.markets() - {ANY_MARKET}), OTHERS]
        return DryRun(
            items=num_items,
            rejected=num_rejected,
            extra=dict(having),
            unmatched=_unmatched(ruleset, fields, len(blocked_rows)),
            markets=tuple(_market(rules, fields, market, at_s, blocked_rows) for market in asked),
        )


def _market(rules: HardRules, fields: FieldColumns, market: str, at_s: int, blocked_rows: list[int]) -> MarketRun:
    context = RequestContext(market=_OTHERS_CODE if market == OTHERS else market, at_s=at_s)
    removed = {rule: round(share * len(fields)) for rule, share in rules.kept_out(context).items()}
    left = fields.mask(rules.compile(context).filter).copy()
    left[blocked_rows] = False
    if blocked_rows:
        by_creator = fields.mask(OneOf("creator_keys", rules.ruleset.blocked_creators)).copy()
        by_creator[blocked_rows] = True
        removed["blocked"] = int(np.count_nonzero(by_creator))
    return MarketRun(market=market, removed=removed, left=int(np.count_nonzero(left)))


def _unmatched(ruleset: RuleSet, fields: FieldColumns, num_blocked: int) -> tuple[str, ...]:
    """Values that rules name and no item has: most often misspelt."""
    asked: list[tuple[str, Filter]] = [
        (f"tags: {tag!r}", OneOf("tags", frozenset({tag}))) for tag in (*ruleset.tags.allowed, *ruleset.tags.denied)
    ]
    for field in sorted(ruleset.extra_fields):
        name, _ = checked_extra(field)
        values = (*ruleset.extra[name].allowed, *ruleset.extra[name].denied)
        asked += [(f"extra.{name}: {value!r}", OneOf(field, frozenset({value}))) for value in values]
    asked += [
        (f"blocked.creators: {name!r}", OneOf("creator_keys", frozenset({name})))
        for name in sorted(ruleset.blocked_creators)
    ]
    found = [told for told, where in asked if not fields.share(where)]
    missing = len(ruleset.blocked_items) - num_blocked
    return (*found, *((f"blocked.items: {missing} of {len(ruleset.blocked_items)} ids",) if missing else ()))
