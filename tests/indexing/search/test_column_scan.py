"""The scan of the columns says what brute force says: under any rules, at any limit, whatever it has kept."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows.schema import EVERYWHERE, Item
from indexing.columns import scoring
from indexing.columns.columns import Columns
from indexing.filters.algebra import Filter, fields_of
from indexing.rules.compiled import CompiledContext
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.search import allowed_rows, column_scan
from indexing.search.column_scan import ColumnScan, NearestQuery
from tests.indexing.drawn import AT_LENGTH, contexts, filters, items, rule_sets
from tests.indexing.made_points import unit_vectors
from tests.indexing.scanned import ANYBODY, DIMS, NUM_ITEMS, Catalogue


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(items(11, NUM_ITEMS), tmp_path_factory.mktemp("scan") / "columns")


@pytest.fixture(params=["blocks", "gathered", "nothing kept"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ways in which a scan may go about it, each forced."""
    if request.param == "gathered":
        monkeypatch.setattr(allowed_rows, "_BLOCK_BYTES", 0)
        monkeypatch.setattr(column_scan, "_READ_ALL_FROM", 0.6)
        monkeypatch.setattr(scoring, "_CHUNK", 7)
    elif request.param == "nothing kept":
        monkeypatch.setattr(allowed_rows, "_KEPT_BYTES", 1)
    return str(request.param)


@pytest.mark.usefixtures("kept")
def test_the_scan_is_brute_force_under_any_rules(catalogue: Catalogue) -> None:
    num_found = num_short = 0

    @settings(AT_LENGTH, max_examples=450)
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
    longest = catalogue.scan.nearest(NearestQuery(query, "tower", compiled, 60)).rows
    assert len(longest) == len(set(longest)) > 20
    for limit in (1, 2, 9, 20):
        found = catalogue.scan.nearest(NearestQuery(query, "tower", compiled, limit)).rows
        assert found == longest[:limit]


@pytest.mark.usefixtures("kept")
def test_who_else_is_asked_for_changes_no_bit_of_an_answer(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few scores at once that some of those that are alike are scored apart.
    monkeypatch.setattr(column_scan, "_MOST_SCORES", 9 * NUM_ITEMS)

    @settings(AT_LENGTH, max_examples=100)
    @given(data=st.data())
    def agree(data: st.DataObject) -> None:
        compiled = [catalogue.compiled(data.draw(contexts())) for _ in range(2)]
        wanted = []
        for _ in range(data.draw(st.integers(1, 40))):
            using = data.draw(st.sampled_from(tuple(DIMS)))
            heard = np.array(sorted(data.draw(st.sets(st.integers(0, NUM_ITEMS - 1), min_size=1))))
            vector = catalogue.vectors[using][data.draw(st.integers(0, NUM_ITEMS - 1))]
            without = data.draw(st.sampled_from((None, heard)))
            limit = data.draw(st.sampled_from((1, 10, 2 * NUM_ITEMS)))
            wanted.append(NearestQuery(vector, using, data.draw(st.sampled_from(compiled)), limit, without))
        together = catalogue.scan.nearest_of(wanted)
        assert together == [catalogue.scan.nearest_of([one])[0] for one in wanted]
        for one, found in zip(wanted, together, strict=True):
            assert one.without is None or not np.isin(found.rows, one.without).any()

    agree()


def test_equal_vectors_are_equal_wherever_they_stand(tmp_path: Path) -> None:
    everything = [
        Item(id=f"i{row}", kind="track", title="t", creator="c", availability=EVERYWHERE) for row in range(1_003)
    ]
    catalogue = Catalogue(everything, tmp_path / "columns")
    rows = np.arange(0, 1_003, 17)
    same = np.array(unit_vectors(1, 384, seed=1)[0])
    vectors = unit_vectors(1_003, 384, seed=2)
    vectors[rows] = same
    np.save(tmp_path / "columns" / "text.npy", vectors)
    scan = ColumnScan(Columns(tmp_path / "columns"), catalogue.fields)
    compiled = catalogue.compiled(ANYBODY)
    wanted = [
        NearestQuery(same, "text", compiled, len(rows)),
        *(NearestQuery(one, "text", compiled, 9) for one in vectors[:20]),
    ]
    for number in (1, 2, 3, 4, 9, 21):
        found = scan.nearest_of(wanted[:number])[0]
        assert found.rows == rows.tolist()
        assert len(set(found.scores)) == 1


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

    @settings(AT_LENGTH, max_examples=450)
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
    answer = catalogue.scan.nearest(NearestQuery(catalogue.vectors["text"][0], "text", compiled, 10))
    assert (answer.rows, answer.scores) == ([], [])


def test_what_is_kept_stays_within_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(items(12, NUM_ITEMS), tmp_path / "columns")
    monkeypatch.setattr(allowed_rows, "_KEPT_BYTES", 6_000)
    query = catalogue.vectors["text"][0]
    for at_s in range(-5, 60):
        for kinds in (None, frozenset({"track"}), frozenset({"episode"})):
            compiled = catalogue.compiled(replace(ANYBODY, at_s=at_s, kinds=kinds))
            assert catalogue.found(query, "text", compiled, 5) == catalogue.brute_force(query, "text", compiled, 5)
    kept = catalogue.scan._contexts._allowed
    assert 0 < len(kept) < 10
    assert sum(len(key[0]) + allowed.nbytes for key, allowed in kept.items()) <= 6_000
