"""Arrangement: what comes is what an oracle in plain Python says, and pages join to the one long list."""

import asyncio
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedding.rows.names import name_key
from indexing.journal.current_rows import CurrentRows
from indexing.rules.arrangement import Arrangement
from indexing.state.records import Change, Frame, Lifted, Removed, TakenDown
from service.arranging.arranger import FIRST_POOL, ShownBefore
from service.arranging.cap_counts import CapCounts
from service.arranging.mmr import MmrPool
from service.arranging.page import Page
from service.arranging.row_features import RowFeatures
from service.loaded.exclusions import Exclusions
from tests.service.arranging.arranged_world import AT_S, CONTEXT, DAY_S, NUM_ITEMS, ArrangedWorld, Over, put

FIRST = ShownBefore()
PLAIN = Arrangement(same_recording=True)
arrangements = st.builds(
    Arrangement,
    max_per_creator=st.sampled_from((None, None, 1, 2, 7)),
    max_per_tag=st.sampled_from((None, None, 2, 5)),
    diversity=st.sampled_from((0.0, 0.0, 0.3, 0.7, 1.0)),
    freshness=st.sampled_from((0.0, 0.0, 0.2, -0.1)),
    popularity=st.sampled_from((0.0, 0.0, 0.3, -0.3)),
    own_language=st.sampled_from((0.0, 0.2)),
    listener_language=st.sampled_from((None, "en", "*")),
    same_recording=st.booleans(),
)
queries = st.integers(0, NUM_ITEMS - 1)
excluded_rows = st.frozensets(st.integers(0, NUM_ITEMS - 1), max_size=NUM_ITEMS)
many = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ArrangedWorld:
    return ArrangedWorld(tmp_path_factory.mktemp("arranged") / "world")


def query_vector(world: ArrangedWorld, row: int) -> np.ndarray:
    return np.asarray(world.release.columns.vectors("text")[row])


def page(
    over: Over,
    vector: np.ndarray,
    arrangement: Arrangement,
    limit: int,
    *,
    shown_before: ShownBefore = FIRST,
    excluded: frozenset[int] = frozenset(),
) -> Page:
    ranking = over.rankings.nearest(vector, using="text", context=CONTEXT, excluded=Exclusions(excluded))
    return asyncio.run(
        over.pages.cut(ranking, CONTEXT, limit, using="text", arrangement=arrangement, shown_before=shown_before)
    )


def everything(rows: CurrentRows, world: ArrangedWorld, vector: np.ndarray, excluded: frozenset[int]) -> list[int]:
    """All rows that may be shown, nearest first, ties to the lower row; by brute force."""
    shown = [r for r in rows.rows() if not rows.dropped[r] and r not in excluded and world.accepts(rows, r)]
    shown = [r for r in shown if r < rows.num_own or rows.origin(r) not in excluded]
    scores = rows.vectors("text", shown) @ vector if shown else np.zeros(0)
    return [shown[place] for place in np.lexsort((np.array(shown), -scores.round(6)))] if shown else []


class Counted:
    """What a list holds so far of whatever is capped, kept by hand."""

    def __init__(self, rows: CurrentRows, arrangement: Arrangement) -> None:
        self._rows, self._arrangement = rows, arrangement
        self._held: Counter[object] = Counter()
        self._ids: set[str] = set()

    def takes(self, row: int) -> bool:
        """Whether the row may be added."""
        return (
            all(self._held[label] < cap for label, cap in self._labels(row)) and self._rows.id_of(row) not in self._ids
        )

    def add(self, row: int) -> None:
        self._held.update(label for label, _ in self._labels(row))
        self._ids.add(self._rows.id_of(row))

    def _labels(self, row: int) -> list[tuple[object, float]]:
        payload, arrangement = self._rows.payload(row), self._arrangement
        labels: list[tuple[object, float]] = []
        if arrangement.max_per_creator is not None:
            labels += [(("creator", key), arrangement.max_per_creator) for key in set(payload.creator_keys)]
        if arrangement.max_per_tag is not None:
            labels += [(("tag", tag), arrangement.max_per_tag) for tag in set(payload.tags)]
        if payload.kind == "track" and not arrangement.same_recording:
            labels.append(((frozenset(map(name_key, payload.creators)), name_key(payload.title)), 1))
        return labels


def obeyed(rows: CurrentRows, listed: list[int], arrangement: Arrangement) -> Counted:
    counted = Counted(rows, arrangement)
    for row in listed:
        assert counted.takes(row)
        counted.add(row)
    return counted


@many
@given(arrangement=arrangements, query=queries, excluded=excluded_rows)
def test_every_rule_is_obeyed_and_nothing_that_could_be_added_is_missing(
    world: ArrangedWorld, arrangement: Arrangement, query: int, excluded: frozenset[int]
) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, query)
    found = page(over, vector, arrangement, NUM_ITEMS, excluded=excluded)
    counted = obeyed(rows, found.rows, arrangement)
    allowed = everything(rows, world, vector, excluded)
    assert set(found.rows) <= set(allowed)
    assert found.short_reason is not None
    # Whatever was left out would break a rule if it were added at the end.
    assert not any(counted.takes(row) for row in set(allowed) - set(found.rows))


@many
@given(query=queries, excluded=excluded_rows, cap=st.sampled_from((None, 1, 3)), limit=st.integers(1, 100))
def test_rows_that_are_only_thinned_stay_in_their_order(
    world: ArrangedWorld, query: int, excluded: frozenset[int], cap: int | None, limit: int
) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, query)
    allowed = everything(rows, world, vector, excluded)
    kept: list[int] = []
    counted = Counted(rows, Arrangement(max_per_creator=cap))
    for row in allowed:
        if counted.takes(row):
            counted.add(row)
            kept.append(row)
    found = page(over, vector, Arrangement(max_per_creator=cap), limit, excluded=excluded)
    vectors = world.release.columns.vectors("text")
    # Twins have the same vector: compare by nearness.
    np.testing.assert_allclose(vectors[found.rows] @ vector, vectors[kept[:limit]] @ vector, atol=1e-5)
    assert len(found.rows) == min(limit, len(kept))


def test_diversity_is_maximal_marginal_relevance(world: ArrangedWorld) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, 7)
    pool = everything(rows, world, vector, frozenset())[:FIRST_POOL]
    vectors = world.release.columns.vectors("text")[pool].astype(np.float64)
    relevance, alike = vectors @ vector, vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < 30:
        worth = 0.4 * relevance - 0.6 * (alike[chosen].max(axis=0) if chosen else 0.0)
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
    found = page(over, vector, Arrangement(diversity=0.6, same_recording=True), 30)
    np.testing.assert_allclose(found.scores, relevance[chosen], atol=1e-5)


def test_boosts_add_what_they_say(world: ArrangedWorld) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, 7)
    arrangement = Arrangement(
        freshness=0.5,
        freshness_half_life_days=100.0,
        popularity=-0.25,
        own_language=0.3,
        listener_language="en",
        same_recording=True,
    )
    pool = everything(rows, world, vector, frozenset())[:FIRST_POOL]
    expected = []
    for row in pool:
        payload = rows.payload(row)
        score = float(world.release.columns.vectors("text")[row] @ vector) - 0.25 * payload.popularity
        if payload.language == "en-US":
            score += 0.3
        if payload.published_us is not None:
            score += 0.5 * 2 ** (-(AT_S - payload.published_us / 1_000_000) / DAY_S / 100.0)
        expected.append(score)
    # What comes after half of a pool is of the next one.
    found = page(over, vector, arrangement, FIRST_POOL // 2)
    np.testing.assert_allclose(found.scores, sorted(expected, reverse=True)[: FIRST_POOL // 2], atol=1e-5)


@many
@given(arrangement=arrangements, rows=st.lists(queries, max_size=30, unique=True))
def test_rows_that_surely_hold_are_those_that_are_taken_one_by_one(
    world: ArrangedWorld, arrangement: Arrangement, rows: list[int]
) -> None:
    traits = RowFeatures(world.fresh()[0])
    limits = CapCounts(arrangement, traits)
    taken = all(limits.take(row) is None for row in rows)
    # With caps it takes as long to tell, and is not told.
    capped = arrangement.max_per_creator is not None or arrangement.max_per_tag is not None
    assert CapCounts(arrangement, traits).surely_hold(rows) == (taken and not capped)


def test_mmr_by_hand(world: ArrangedWorld) -> None:
    # Relevances .9, .8, .7; the second is the first again, the third is unlike both. With lambda .5:
    # .45 first; then .4 - .5 * 1 = -.1 against .35 - .5 * 0 = .35.
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    limits = CapCounts(Arrangement(same_recording=True), RowFeatures(world.fresh()[0]))
    pool = MmrPool([5, 6, 7], np.array([0.9, 0.8, 0.7]), 0.5, limits)
    pool.measure(lambda rows: vectors[[row - 5 for row in rows]], ())
    assert [pool.next() for _ in range(4)] == [(5, 0.9), (7, 0.7), (6, 0.8), None]


journals = st.lists(
    st.tuples(st.sampled_from(("put", "put", "remove", "takedown", "lift")), st.integers(0, 59), queries),
    max_size=12,
)


def changes_of(drawn: list[tuple[str, int, int]]) -> tuple[Change, ...]:
    made: list[Change] = []
    for action, number, like in drawn:
        # Half of them are items of the catalogue, half are new.
        item_id = f"item-{number}" if number < 30 else f"new-{number}"
        match action:
            case "put":
                made.append(put(like, item_id, open_in="US" if like % 7 == 0 else "*"))
            case "remove":
                made.append(Removed(item_id))
            case "takedown":
                made.append(TakenDown(item_id))
            case _:
                made.append(Lifted(item_id))
    return tuple(made)


def apply(rows: CurrentRows, seq: int, drawn: list[tuple[str, int, int]]) -> None:
    if drawn:
        rows.apply(Frame(seq, "2026-01-01T00:00:00+00:00", changes_of(drawn)))


def turned(
    over: Over, vector: np.ndarray, arrangement: Arrangement, limits: list[int], excluded: frozenset[int]
) -> list[int]:
    shown_before, listed = ShownBefore(), list[int]()
    for limit in limits:
        found = page(over, vector, arrangement, limit, shown_before=shown_before, excluded=excluded)
        listed += found.rows
        shown_before = ShownBefore(tuple(listed), found.pool_depth)
    return listed


@many
@given(
    arrangement=arrangements,
    query=queries,
    excluded=excluded_rows,
    journal=journals,
    limits=st.lists(st.integers(1, 100), min_size=1, max_size=8),
)
def test_pages_join_to_the_one_long_list(
    world: ArrangedWorld,
    arrangement: Arrangement,
    query: int,
    excluded: frozenset[int],
    journal: list[tuple[str, int, int]],
    limits: list[int],
) -> None:
    rows, over = world.fresh()
    apply(rows, 1, journal)
    vector = query_vector(world, query)
    long = page(over, vector, arrangement, sum(limits), excluded=excluded)
    assert turned(over, vector, arrangement, limits, excluded) == long.rows
    obeyed(rows, long.rows, arrangement)


@many
@given(
    arrangement=arrangements,
    query=queries,
    excluded=excluded_rows,
    steps=st.lists(st.tuples(st.integers(1, 100), journals), min_size=2, max_size=5),
)
def test_after_changes_nothing_comes_twice_and_nothing_forbidden(
    world: ArrangedWorld,
    arrangement: Arrangement,
    query: int,
    excluded: frozenset[int],
    steps: list[tuple[int, list[tuple[str, int, int]]]],
) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, query)
    accepts = world.rules.compile(CONTEXT).accepts
    shown_before, ids = ShownBefore(), list[str]()
    for seq, (limit, journal) in enumerate([*steps, (NUM_ITEMS * 2, [])], start=1):
        found = page(over, vector, arrangement, limit, shown_before=shown_before, excluded=excluded)
        for row in found.rows:
            assert rows.find(rows.id_of(row)) == row
            assert accepts(rows.payload(row))
            assert rows.origin(row) not in excluded
        ids += [rows.id_of(row) for row in found.rows]
        shown_before = ShownBefore((*shown_before.rows, *found.rows), found.pool_depth)
        apply(rows, seq, journal)
    assert len(set(ids)) == len(ids)
    if arrangement.max_per_creator is arrangement.max_per_tag is None and arrangement.same_recording:
        # A gap only for what was removed: all that may be shown now has come.
        assert {rows.id_of(row) for row in everything(rows, world, vector, excluded)} <= set(ids)


def test_traits_of_the_journal_are_those_of_a_build(world: ArrangedWorld) -> None:
    rows, _ = world.fresh()
    rows.apply(Frame(1, "", tuple(put(number, f"new-{number}") for number in range(60))))
    traits = RowFeatures(rows)
    for slot in range(60):
        new = rows.num_own + slot
        assert traits.recording(new) == traits.recording(slot)
        # Twins name their creators in another order.
        assert sorted(traits.creators(new)) == sorted(traits.creators(slot))
        assert list(traits.tags(new)) == list(traits.tags(slot))
    pair = np.array([3, rows.num_own + 3])
    assert np.ptp(traits.popularity(pair)) < 1e-6
    assert not traits.freshness(pair, AT_S, 30.0)[1]
    both = np.array([*range(60), *range(rows.num_own, rows.num_own + 60)])
    for asked, num in (("sv", 20), ("en", 20), ("en-US", 20), ("en-GB", 0), ("*", 40)):
        assert traits.spoken(both, asked).sum() == 2 * num


@pytest.mark.parametrize("near", [100, NUM_ITEMS - 40])
def test_the_nearest_ones_heard_and_posted_leave_a_full_right_page(world: ArrangedWorld, near: int) -> None:
    rows, over = world.fresh()
    vector = query_vector(world, 7)
    ranked = everything(rows, world, vector, frozenset())
    heard = np.sort(np.array(ranked[:near], dtype=np.int32))
    ids = [rows.id_of(row) for row in ranked[near : near + 40 : 2]]
    excluded = Exclusions(frozenset({ranked[near + 1]}), ids=ids, names=rows, heard=heard)
    ranking = over.rankings.nearest(vector, using="text", context=CONTEXT, excluded=excluded)
    found = asyncio.run(over.pages.cut(ranking, CONTEXT, 15, using="text", arrangement=PLAIN))
    left = [row for row in ranked[near:] if row not in excluded]
    vectors = world.release.columns.vectors("text")
    np.testing.assert_allclose(found.scores, vectors[left[:15]] @ vector, atol=1e-5)
    assert len(excluded.all_rows()) == near + 1 + len(ids)
    everything_left = asyncio.run(over.pages.cut(ranking, CONTEXT, NUM_ITEMS, using="text", arrangement=PLAIN))
    assert len(everything_left.rows) == len(left)
    assert everything_left.short_reason is not None
    assert f"{len(ranked)} items pass" in everything_left.short_reason
    assert f"{len(ranked) - len(left)} of them are left out" in everything_left.short_reason
