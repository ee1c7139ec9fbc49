"""Hard rules for one request: the filter that the engine runs, and the predicate that re-checks what it found.

Both are readings of one filter, so they cannot drift apart. The one addition to the predicate: items blocked by id
are dropped after the query, because the engine's payload holds no id.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from indexing.filters.algebra import All, Filter, fields_of
from indexing.filters.predicate import predicate
from indexing.payload.availability import AvailabilityClasses, OpenClasses
from indexing.payload.payload import Payload
from indexing.rules.conditions import Condition, blocking, conditions
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet

# Contexts kept compiled. Each holds a copy of the open classes in the engine's form: 32 KB at 2,000 classes.
_NUM_KEPT = 256
# No rule asks for the row.
_NO_ROW = -1
# What stands in `fields` for creators that a request blocks. Where those nearest to the query are blocked, a graph
# that finds .996 finds .981 with 20 of them and .448 with 200 (docs/log.md), so that few and many are told apart.
FEW_CREATORS, MANY_CREATORS = "few blocked creators", "many blocked creators"
MOST_FEW_CREATORS = 20


class CompiledContext(Struct, frozen=True, eq=False):
    """The rules for one context: `filter`, its engine form `prepared`, the re-check `accepts`.

    Compared and hashed by identity, as a key of what is worked out once a context: the filter may be long.

    `prepared` is NOT_IN_ENGINE (indexing/release/engine_keys.py) where no engine can tell what the filter asks.

    `share` is the part of the catalogue (0 to 1) that passes the rules other than the blocklists, `fields` are those
    that these rules have conditions on, and whether the request blocks creators.
    """

    filter: Filter
    accepts: Callable[[Payload], bool]
    prepared: Any
    share: float
    fields: frozenset[str]


class HardRules:
    """One rule set over one release's table of classes, for any number of contexts.

    `prepare` puts a filter into the engine's form (VectorStore.prepare); `share` says which part of the catalogue
    passes one (Facts.share).
    """

    def __init__(
        self,
        ruleset: RuleSet,
        version: str,
        classes: AvailabilityClasses,
        prepare: Callable[[Filter], Any],
        share: Callable[[Filter], float],
    ) -> None:
        self.ruleset = ruleset
        self.version = version
        self._classes = classes
        self._prepare = prepare
        self._share = share
        self._blocked_items = ruleset.blocked_items
        self._blocked_creators = ruleset.blocked_creators
        self._compiled = lru_cache(_NUM_KEPT)(self._compile)
        self._shares = lru_cache(_NUM_KEPT)(self._share_of)

    def under(self, ruleset: RuleSet, version: str) -> "HardRules":
        """Another rule set over the same release."""
        return HardRules(ruleset, version, self._classes, self._prepare, self._share)

    def compile(self, context: RequestContext) -> CompiledContext:
        """The rules for `context`; worked out once for all times between two boundaries of the market's windows."""
        opened = self._classes.open_at(context.market, context.at_s)
        return self._compiled(self._classes.revision, replace(context, at_s=_time_within(opened)))

    def without_blocklists(self, context: RequestContext) -> Filter:
        """The filter for `context`, less the creators that somebody blocks."""
        return All(tuple(condition for _, condition in self._conditions(context)))

    def verdicts(self, context: RequestContext, payload: Payload) -> dict[str, bool]:
        """What each rule that asks something of `context` says of an item: whether it may pass. The re-check's own
        reading; `blocked` is of the file's lists and of the creators that the request blocks."""
        blocked = payload.id in self._blocked_items or not self._blocked(context).isdisjoint(payload.creator_keys)
        asked = self._by_rule(context).items()
        return {rule: predicate(where)(_NO_ROW, payload) for rule, where in asked} | {"blocked": not blocked}

    def kept_out(self, context: RequestContext) -> dict[str, float]:
        """For each rule that asks something of `context`, the part of the catalogue (0 to 1) that it keeps out by
        itself, the strictest first; rules that keep nothing out, and items blocked by id, are left out."""
        by_rule = self._by_rule(context)
        if blocked := self._blocked(context):
            by_rule["blocked"] = blocking(blocked)
        shares = {rule: 1.0 - self._share(where) for rule, where in by_rule.items()}
        return dict(sorted(((rule, share) for rule, share in shares.items() if share), key=lambda pair: -pair[1]))

    def _by_rule(self, context: RequestContext) -> dict[str, Filter]:
        by_rule: dict[str, tuple[Filter, ...]] = {}
        for rule, condition in self._conditions(context):
            by_rule[rule] = (*by_rule.get(rule, ()), condition)
        return {rule: All(parts) for rule, parts in by_rule.items()}

    def _compile(self, revision: int, context: RequestContext) -> CompiledContext:
        asked = [condition for _, condition in self._conditions(context)]
        fields = fields_of(All(tuple(asked)))
        if context.blocked_creators:
            fields |= {FEW_CREATORS if len(context.blocked_creators) <= MOST_FEW_CREATORS else MANY_CREATORS}
        if blocked := self._blocked(context):
            asked.append(blocking(blocked))
        where = All(tuple(asked))
        return CompiledContext(
            filter=where,
            accepts=self._accepts(where),
            prepared=self._prepare(where),
            # Blocked creators are left out: who blocks whom differs by user, and hardly changes the part that passes.
            share=self._shares(revision, replace(context, blocked_creators=frozenset())),
            fields=fields,
        )

    def _share_of(self, _revision: int, context: RequestContext) -> float:
        return self._share(self.without_blocklists(context))

    def _accepts(self, where: Filter) -> Callable[[Payload], bool]:
        passes = predicate(where)
        blocked_items = self._blocked_items
        return lambda payload: passes(_NO_ROW, payload) and payload.id not in blocked_items

    def _blocked(self, context: RequestContext) -> frozenset[str]:
        return self._blocked_creators | context.blocked_creators

    def _conditions(self, context: RequestContext) -> list[Condition]:
        opened = self._classes.open_at(context.market, context.at_s)
        return conditions(self.ruleset, context, opened.classes)


def _time_within(opened: OpenClasses) -> int:
    """One time to stand for the whole interval, so that contexts within it are one key of the cache."""
    if opened.from_s is not None:
        return opened.from_s
    return 0 if opened.until_s is None else opened.until_s - 1
