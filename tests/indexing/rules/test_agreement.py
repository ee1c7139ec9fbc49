"""Hard rules, asked of Edge, of memory mode over gRPC, of the re-check, and of an oracle in the design's words.

All four say the same of every (rules, context, item), in both directions; the oracle looks at the catalogue row.
"""

import asyncio
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows.schema import Item
from indexing.filters.algebra import EVERYTHING, Filter
from indexing.filters.predicate import predicate
from indexing.payload.availability import AvailabilityClasses
from indexing.payload.payload import Payload, payload_of
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.tables import Extra, Published
from indexing.stores.contract import CollectionSchema, PointBatch, SearchParams, VectorStore
from tests.indexing.drawn import AT_LENGTH, EXTRA_FIELDS, contexts, items, rule_sets
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE, quick_folder, stores_of

NUM_ITEMS = 120
SEEDS = (11, 12)
QUERY = np.array([1.0, 0.0], dtype=np.float32)


def may_be_shown(item: Item, rules: RuleSet, context: RequestContext, off: set[str]) -> bool:
    """The rules as design and docs/rules.md word them, asked of the row itself."""
    return (
        any(
            window.market in ("*", context.market)
            and (window.from_s is None or context.at_s >= window.from_s)
            and (window.until_s is None or context.at_s < window.until_s)
            for window in item.availability
        )
        and not (not context.explicit and item.explicit is True)
        and not (not context.explicit and item.explicit is None and rules.explicit.unknown == "deny")
        and item.min_age <= (0 if context.age is None else context.age)
        and (context.languages is None or speaks(item.language, rules, context.languages))
        and (context.kinds is None or item.kind in context.kinds)
        and item.kind in rules.kinds.allowed
        and ("tags" in off or lists_pass(set(item.tags), rules.tags.allowed, rules.tags.denied))
        and ("published" in off or was_published(item, rules.published))
        and within(item.duration_s, rules.duration.min_s, rules.duration.max_s, rules.duration.unknown)
        and all(extra_passes(item.extra.get(name), extra) for name, extra in rules.extra.items())
        and item.id not in rules.blocked.items
        and not {plain(name) for name in item.all_creators} & {plain(name) for name in rules.blocked.creators}
        and not {plain(name) for name in item.all_creators} & context.blocked_creators
    )


def lists_pass(values: set[str], allowed: tuple[str, ...], denied: tuple[str, ...]) -> bool:
    return (not allowed or bool(values & set(allowed))) and not values & set(denied)


def was_published(item: Item, rule: Published) -> bool:
    if rule.after is None and rule.before is None:
        return True
    if item.published_at is None:
        return rule.unknown == "allow"
    at_s = item.published_at + Fraction(item.published_fraction_us or 0, 1_000_000)
    return (rule.after is None or at_s >= DAYS_S[rule.after]) and (rule.before is None or at_s < DAYS_S[rule.before])


DAYS_S: dict[str, int | Fraction] = {
    "1969-12-31": -86_400,
    "1970-01-01": 0,
    "1970-01-01T00:00:01Z": 1,
    "1970-01-01T00:00:01.5Z": Fraction(3, 2),
    "2020-09-13T12:26:40Z": 1_600_000_000,
}


def within(value: float | None, least: float | None, most: float | None, unknown: str) -> bool:
    if least is None and most is None:
        return True
    if value is None:
        return unknown == "allow"
    return (least is None or value >= least) and (most is None or value <= most)


def extra_passes(value: object, rule: Extra) -> bool:
    """docs/rules.md: a value of another type counts as none; flags are keywords, whole numbers are floats too."""
    if rule.type == "keyword":
        keyword = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        return lists_pass({keyword} if isinstance(keyword, str) else set(), rule.allowed, rule.denied)
    number = isinstance(value, int) or (rule.type == "float" and isinstance(value, float))
    if isinstance(value, bool) or not number or (rule.type == "integer" and abs(cast("int", value)) >= 2**53):
        return within(None, rule.min, rule.max, rule.unknown)
    return within(cast("float", value), rule.min, rule.max, rule.unknown)


def speaks(tag: str | None, rules: RuleSet, wanted: frozenset[str]) -> bool:
    """RFC 4647 section 3.3.1: equal, or a prefix of the tag that ends before a hyphen; `*` matches any tag."""
    if tag is None:
        return rules.languages.unknown == "allow"
    return any(
        language == "*" or tag.lower() == language.lower() or tag.lower().startswith(f"{language.lower()}-")
        for language in wanted
    )


def plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Catalogue:
    """Drawn items with their classes, indexed in Edge and in memory mode."""

    def __init__(self, seed: int) -> None:
        self.items = items(seed, NUM_ITEMS)
        self.classes = AvailabilityClasses()
        self.payloads = [payload_of(item, self.classes.add(item.availability), 0.5) for item in self.items]
        self.engines: dict[str, VectorStore] = {}

    async def index(self, engine: str, store: VectorStore) -> None:
        angles = np.linspace(0, 3, NUM_ITEMS)
        vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)
        await store.create("c", CollectionSchema({"tower": 2}, extra_fields=EXTRA_FIELDS))
        await store.upsert(
            "c", PointBatch(range(NUM_ITEMS), {"tower": vectors}, self.payloads, extra_fields=EXTRA_FIELDS)
        )
        await store.optimise("c")
        self.engines[engine] = store

    def share(self, where: Filter) -> float:
        passes = predicate(where)
        return sum(passes(row, payload) for row, payload in enumerate(self.payloads)) / NUM_ITEMS

    def rules(self, ruleset: RuleSet, store: VectorStore) -> HardRules:
        return HardRules(ruleset, rules_version(ruleset), self.classes, store.prepare, self.share)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=SEEDS)
def catalogue(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner
) -> Iterator[Catalogue]:
    made = Catalogue(request.param)
    with (
        quick_folder(tmp_path_factory.mktemp("rules")) as folder,
        stores_of("embedded", folder / "data") as embedded,
        stores_of("memory", folder) as memory,
    ):
        runner.run(made.index("edge", embedded.open(GRAPH_AT_ONCE)))
        runner.run(made.index("server, over gRPC", memory.open()))
        yield made
        for store in made.engines.values():
            runner.run(store.close())


def test_engines_re_check_and_oracle_agree_on_every_item(catalogue: Catalogue, runner: asyncio.Runner) -> None:
    num_shown = num_kept_out = 0

    @settings(AT_LENGTH, max_examples=450)
    @given(ruleset=rule_sets(NUM_ITEMS), drawn=st.lists(contexts(), min_size=2, max_size=2), chosen=st.booleans())
    def agree(ruleset: RuleSet, drawn: list[RequestContext], chosen: bool) -> None:
        nonlocal num_shown, num_kept_out
        by_engine = {engine: catalogue.rules(ruleset, store) for engine, store in catalogue.engines.items()}
        blocked = set(ruleset.blocked.items)
        for asked, context in enumerate(drawn):
            context = replace(context, switches=ruleset.hard_switches(dict.fromkeys(ruleset.switches, chosen)))
            off = {rule for one in ruleset.switches.values() if not chosen for rule in one.rules}
            passes = predicate(context.filter or EVERYTHING)
            shown = {
                item.id
                for row, item in enumerate(catalogue.items)
                if may_be_shown(item, ruleset, context, off) and passes(row, catalogue.payloads[row])
            }
            for engine, rules in by_engine.items():
                if engine != "edge" and asked > 0:
                    # Memory mode walks all items in Python: it is asked about each rule set once.
                    continue
                search = catalogue.engines[engine].nearest(
                    "c",
                    QUERY,
                    using="tower",
                    where=rules.compile(context).prepared,
                    limit=NUM_ITEMS,
                    params=SearchParams(exact=True),
                )
                found = {catalogue.items[row].id for row in runner.run(search).rows}
                # The engine holds no ids: what is blocked by id goes after the query.
                assert found - blocked == shown, (engine, context)
            accepts = by_engine["edge"].compile(context).accepts
            assert {payload.id for payload in catalogue.payloads if accepts(payload)} == shown, context
            for payload in catalogue.payloads[::7]:
                verdicts = by_engine["edge"].verdicts(context, payload)
                assert all(verdicts.values()) == (payload.id in shown), (verdicts, payload)
            num_shown += len(shown)
            num_kept_out += NUM_ITEMS - len(shown)

    agree()
    # Both directions were asked often.
    assert num_shown + num_kept_out >= 80_000
    assert min(num_shown, num_kept_out) >= 3_000


def test_the_share_is_the_part_that_passes_without_blocklists(catalogue: Catalogue) -> None:
    rules = catalogue.rules(RuleSet(), catalogue.engines["edge"])
    context = RequestContext(market="SE", at_s=15, age=12)
    passing: list[Payload] = [payload for payload in catalogue.payloads if rules.compile(context).accepts(payload)]
    assert 0 < len(passing) < NUM_ITEMS
    assert rules.compile(context).share == len(passing) / NUM_ITEMS
