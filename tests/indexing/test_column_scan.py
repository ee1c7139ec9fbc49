"""The scan of the columns says what brute force says: under any rules, at any limit, whatever it has kept."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows import EVERYWHERE, Item
from indexing import column_scan
from indexing.availability import AvailabilityClasses
from indexing.column_scan import ColumnScan
from indexing.columns import HASH_BYTES, Columns, ColumnsWriter
from indexing.context import RequestContext
from indexing.field_columns import FieldColumns, FieldColumnsWriter
from indexing.filters.algebra import Filter, fields_of
from indexing.filters.predicate import predicate
from indexing.payload import payload_of
from indexing.rules.compiled import CompiledContext, HardRules
from indexing.rules.declaration import RuleSet, rules_version
from tests.indexing.drawn import AT_LENGTH, EXTRA_FIELDS, contexts, filters, items, rule_sets
from tests.indexing.made_points import unit_vectors
from tests.indexing.made_words import no_words

NUM_ITEMS = 150
DIMS = {"tower": 4, "text": 6}
ANYBODY = RequestContext(market="SE", at_s=15, age=30)


class Catalogue:
    """Items with columns and facts on disk, as a build leaves them, and the scan over them."""

    def __init__(self, rows: list[Item], folder: Path) -> None:
        self.classes = AvailabilityClasses()
        self.payloads = [payload_of(item, self.classes.add(item.availability), 0.5) for item in rows]
        self.vectors = {using: unit_vectors(len(rows), dims, seed=dims) for using, dims in DIMS.items()}
        # Equal scores, so that ties are met.
        self.vectors["tower"][: len(rows) // 3] = self.vectors["tower"][0]
        fields = FieldColumnsWriter(EXTRA_FIELDS)
        fields.add(self.payloads[:10])
        fields.add(self.payloads[10:])
        with ColumnsWriter(folder, DIMS) as writer:
            writer.append(self.payloads, [bytes(2 * HASH_BYTES)] * len(rows), self.vectors, no_words(len(rows)))
        fields.save(folder)
        self.fields = FieldColumns(folder)
        self.scan = ColumnScan(Columns(folder), self.fields)

    def compiled(self, context: RequestContext, ruleset: RuleSet | None = None) -> CompiledContext:
        ruleset = ruleset or RuleSet()
        version = rules_version(ruleset)
        return HardRules(ruleset, version, self.classes, lambda _: None, self.fields.share).compile(context)

    def brute_force(self, query: np.ndarray, using: str, compiled: CompiledContext, limit: int) -> list[int]:
        """Every row asked, every score sorted; of equals the lower row first."""
        passes = predicate(compiled.filter)
        rows = [row for row, payload in enumerate(self.payloads) if passes(row, payload)]
        scores = np.round(self.vectors[using] @ query, 5)
        return sorted(rows, key=lambda row: (-scores[row], row))[:limit]

    def found(self, query: np.ndarray, using: str, compiled: CompiledContext, limit: int) -> list[int]:
        """The scan's answer, its scores checked; rows whose scores differ in the last bits stand by row."""
        answer = self.scan.nearest(query, using=using, compiled=compiled, limit=limit)
        exact = self.vectors[using] @ query
        np.testing.assert_allclose(exact[answer.rows], answer.scores, atol=1e-6)
        scores = np.round(exact, 5)
        return sorted(answer.rows, key=lambda row: (-scores[row], row))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(items(11, NUM_ITEMS), tmp_path_factory.mktemp("scan") / "columns")


@pytest.fixture(params=["blocks", "gathered", "nothing kept"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ways in which a scan may go about it, each forced."""
    if request.param == "gathered":
        monkeypatch.setattr(column_scan, "_BLOCK_BYTES", 0)
        monkeypatch.setattr(column_scan, "_READ_ALL_FROM", 0.6)
        monkeypatch.setattr(column_scan, "_CHUNK", 7)
    elif request.param == "nothing kept":
        monkeypatch.setattr(column_scan, "_KEPT_BYTES", 1)
    return str(request.param)


@pytest.mark.usefixtures("kept")
def test_the_scan_is_brute_force_under_any_rules(catalogue: Catalogue) -> None:
    num_found = num_short = 0

    @settings(AT_LENGTH, max_examples=350)
    @given(
        ruleset=rule_sets(NUM_ITEMS),
        context=contexts(),
        using=st.sampled_from(tuple(DIMS)),
        limit=st.sampled_from((1, 3, 10, 100, NUM_ITEMS, 10 * NUM_ITEMS)),
        number=st.integers(0, NUM_ITEMS - 1),
    )
    def agree(ruleset: RuleSet, context: RequestContext, using: str, limit: int, number: int) -> None:
        nonlocal num_found, num_short
        compiled = catalogue.compiled(context, ruleset)
        query = catalogue.vectors[using][number]
        expected = catalogue.brute_force(query, using, compiled, limit)
        assert catalogue.found(query, using, compiled, limit) == expected
        # Once more: by what was kept of the context.
        assert catalogue.found(query, using, compiled, limit) == expected
        num_found += len(expected)
        num_short += len(expected) < limit

    agree()
    assert num_found >= 1_000
    assert num_short >= 40


def test_a_longer_answer_begins_with_the_shorter_one(catalogue: Catalogue) -> None:
    compiled = catalogue.compiled(ANYBODY)
    query = catalogue.vectors["tower"][0]
    longest = catalogue.scan.nearest(query, using="tower", compiled=compiled, limit=60).rows
    assert len(longest) == len(set(longest)) > 20
    for limit in (1, 2, 9, 20):
        found = catalogue.scan.nearest(query, using="tower", compiled=compiled, limit=limit).rows
        assert found == longest[:limit]


def test_blocked_creators_do_not_shorten_an_answer(tmp_path: Path) -> None:
    everything = [
        Item(id=f"i{row}", kind="track", title="t", creator=f"c{row % 50}", availability=EVERYWHERE)
        for row in range(2_000)
    ]
    catalogue = Catalogue(everything, tmp_path / "columns")
    # All but one creator of fifty, whose items the first pages hardly have; and some whom nobody knows.
    blocked = replace(ANYBODY, blocked_creators=frozenset(f"c{number}" for number in (*range(49), 50, 99)))
    for context, num_passing in ((blocked, 40), (ANYBODY, 2_000), (blocked, 40)):
        compiled = catalogue.compiled(context)
        for number in range(3):
            query = catalogue.vectors["text"][number]
            for limit in (10, 40, 2_000):
                expected = catalogue.brute_force(query, "text", compiled, limit)
                assert len(expected) == min(limit, num_passing)
                assert catalogue.found(query, "text", compiled, limit) == expected


@pytest.mark.usefixtures("kept")
def test_the_scan_is_brute_force_under_any_filter(catalogue: Catalogue) -> None:
    num_found = num_short = 0

    @settings(AT_LENGTH, max_examples=350)
    @given(where=filters(NUM_ITEMS), limit=st.sampled_from((1, 10, 10 * NUM_ITEMS)), number=st.integers(0, 9))
    def agree(where: Filter, limit: int, number: int) -> None:
        nonlocal num_found, num_short
        compiled = CompiledContext(
            filter=where, accepts=lambda _: True, prepared=None, share=1.0, fields=fields_of(where)
        )
        query = catalogue.vectors["text"][number]
        expected = catalogue.brute_force(query, "text", compiled, limit)
        assert catalogue.found(query, "text", compiled, limit) == expected
        assert catalogue.found(query, "text", compiled, limit) == expected
        num_found += len(expected)
        num_short += len(expected) < limit

    agree()
    assert num_found >= 1_000
    assert num_short >= 40


def test_nothing_passes(catalogue: Catalogue) -> None:
    compiled = catalogue.compiled(replace(ANYBODY, kinds=frozenset()))
    answer = catalogue.scan.nearest(catalogue.vectors["text"][0], using="text", compiled=compiled, limit=10)
    assert (answer.rows, answer.scores) == ([], [])


def test_what_is_kept_stays_within_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(items(12, NUM_ITEMS), tmp_path / "columns")
    monkeypatch.setattr(column_scan, "_KEPT_BYTES", 6_000)
    query = catalogue.vectors["text"][0]
    for at_s in range(-5, 60):
        for kinds in (None, frozenset({"track"}), frozenset({"episode"})):
            compiled = catalogue.compiled(replace(ANYBODY, at_s=at_s, kinds=kinds))
            assert catalogue.found(query, "text", compiled, 5) == catalogue.brute_force(query, "text", compiled, 5)
    kept = catalogue.scan._allowed
    assert 0 < len(kept) < 10
    assert sum(len(key[0]) + allowed.nbytes for key, allowed in kept.items()) <= 6_000
