"""What is compiled for a context, and for how long it is kept."""

import pytest
from msgspec.structs import replace

from embedding.rows.schema import EVERYWHERE, Item, Window
from indexing.filters.algebra import Filter
from indexing.payload.availability import AvailabilityClasses
from indexing.payload.payload import payload_of
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.tables import Blocked, UnknownSay

CONTEXT = RequestContext(market="SE", at_s=15, age=30)


class Shop:
    """Rules over a table of classes, counting what they have worked out."""

    def __init__(self, ruleset: RuleSet | None = None) -> None:
        self.classes = AvailabilityClasses()
        self.prepared: list[Filter] = []
        self.num_shares = 0
        ruleset = ruleset or RuleSet()
        self.rules = HardRules(ruleset, rules_version(ruleset), self.classes, self._prepare, self._share)

    def _prepare(self, where: Filter) -> str:
        self.prepared.append(where)
        return f"prepared {len(self.prepared)}"

    def _share(self, _where: Filter) -> float:
        self.num_shares += 1
        return 0.25

    def shows(self, context: RequestContext, **fields: object) -> bool:
        """Whether an item with these fields is accepted."""
        row: dict[str, object] = {"id": "i", "kind": "track", "title": "t", "creator": "c"}
        item = Item(**(row | fields))  # type: ignore[arg-type]
        payload = payload_of(item, self.classes.add(item.availability), 0.0)
        return self.rules.compile(context).accepts(payload)


def test_two_times_between_the_same_boundaries_share_what_was_compiled() -> None:
    deps = Shop()
    deps.classes.add([Window("SE", 10, 20), Window("GB", 13, 17)])
    first = deps.rules.compile(replace(CONTEXT, at_s=10))
    assert deps.rules.compile(replace(CONTEXT, at_s=19)) is first
    assert first.prepared == "prepared 1"
    for other in (replace(CONTEXT, at_s=9), replace(CONTEXT, at_s=20), replace(CONTEXT, market="GB", at_s=15)):
        assert deps.rules.compile(other) is not first
    # Before 10 and from 20 on nothing is open, yet they are two intervals.
    assert len(deps.prepared) == 4
    assert deps.rules.compile(replace(CONTEXT, at_s=10**9)).prepared == "prepared 3"


@pytest.mark.parametrize(
    "other",
    [
        replace(CONTEXT, explicit=False),
        replace(CONTEXT, age=None),
        replace(CONTEXT, languages=frozenset({"sv"})),
        replace(CONTEXT, kinds=frozenset({"track"})),
        replace(CONTEXT, blocked_creators=frozenset({"c"})),
    ],
)
def test_another_context_is_compiled_anew(other: RequestContext) -> None:
    deps = Shop()
    deps.classes.add(EVERYWHERE)
    assert deps.rules.compile(CONTEXT) is not deps.rules.compile(other)
    assert len(deps.prepared) == 2


def test_a_class_first_seen_later_is_compiled_in() -> None:
    deps = Shop()
    before = deps.rules.compile(CONTEXT)
    item = payload_of(Item(id="i", kind="track", title="t", creator="c"), deps.classes.add(EVERYWHERE), 0.0)
    assert not before.accepts(item)
    assert deps.rules.compile(CONTEXT).accepts(item)


def test_who_blocks_whom_does_not_change_the_share() -> None:
    deps = Shop(RuleSet(blocked=Blocked(items=("a",), creators=("b",))))
    for name in ("x", "y", "z"):
        assert deps.rules.compile(replace(CONTEXT, blocked_creators=frozenset({name}))).share == 0.25
    assert deps.num_shares == 1
    assert len(deps.prepared) == 3


@pytest.mark.parametrize(
    ("wanted", "language", "shown"),
    [
        ({"en"}, "en-US", True),
        ({"EN"}, "en", True),
        ({"en-us"}, "en-US", True),
        ({"en-US"}, "en", False),
        ({"e"}, "en", False),
        ({"en-u"}, "en-US", False),
        ({"*"}, "it", True),
        ({"*"}, None, True),
        ({"it"}, None, True),
        (set(), "it", False),
        (set(), None, True),
        (None, None, True),
        ({"?"}, "it", False),
    ],
)
def test_languages_are_matched_as_ranges(wanted: set[str] | None, language: str | None, shown: bool) -> None:
    context = replace(CONTEXT, languages=None if wanted is None else frozenset(wanted))
    assert Shop().shows(context, language=language) is shown


@pytest.mark.parametrize(("wanted", "shown"), [({"it"}, False), ({"*"}, False), ({"?"}, False), (None, True)])
def test_items_without_a_language_are_kept_out_where_the_rules_say_so(wanted: set[str] | None, shown: bool) -> None:
    context = replace(CONTEXT, languages=None if wanted is None else frozenset(wanted))
    assert Shop(RuleSet(languages=UnknownSay("deny"))).shows(context, language=None) is shown
    assert Shop(RuleSet(languages=UnknownSay("deny"))).shows(context, language="it") is (wanted != {"?"})


def test_explicit_and_not_known() -> None:
    clean = replace(CONTEXT, explicit=False)
    denying = RuleSet(explicit=UnknownSay("deny"))
    for flag, shown, shown_by_denying in ((True, False, False), (None, True, False), (False, True, True)):
        assert Shop().shows(clean, explicit=flag) is shown
        assert Shop(denying).shows(clean, explicit=flag) is shown_by_denying
        assert Shop(denying).shows(CONTEXT, explicit=flag)


@pytest.mark.parametrize(("age", "oldest"), [(None, 0), (0, 0), (17, 17), (18, 18), (120, 120)])
def test_an_age_passes_up_to_itself(age: int | None, oldest: int) -> None:
    deps, context = Shop(), replace(CONTEXT, age=age)
    assert [min_age for min_age in (0, 7, 17, 18, 19, 120) if deps.shows(context, min_age=min_age)] == [
        min_age for min_age in (0, 7, 17, 18, 19, 120) if min_age <= oldest
    ]


def test_any_creator_counts_however_it_is_written() -> None:
    deps = Shop(RuleSet(blocked=Blocked(items=("gone",), creators=("  STRASSE ", "Cy"))))
    assert deps.shows(CONTEXT, creator="Ana", creators=("Ana", "Bo"))
    assert not deps.shows(CONTEXT, creator="Ana", creators=("Ana", "Straße"))
    assert not deps.shows(CONTEXT, creator="ｃｙ")
    assert not deps.shows(CONTEXT, id="gone")
    assert not deps.shows(replace(CONTEXT, blocked_creators=frozenset({"bo"})), creator="Ana", creators=("Ana", "Bo"))
    # Whom the row is shown under counts, whatever list it has.
    assert not deps.shows(CONTEXT, creator="Cy", creators=("Ana",))
    assert not deps.shows(CONTEXT, creator="C\u200by")
