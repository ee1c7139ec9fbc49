"""Rankings made of others: quotas held, stages in their order, ranks summed up; no row twice, and stable beginnings."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.ranking.fallback_chain import FallbackChain
from service.ranking.interleaving import FILLED, Interleaved, RankedQuota, interleaving_order
from service.ranking.rrf import ReciprocalRankFusion
from tests.service.ranking.contract import check_beginnings, first_of
from tests.service.ranking.listed import Listed, Shown

if TYPE_CHECKING:
    from service.ranking.contract import Ranking

several = settings(max_examples=150, deadline=None)
quotas = st.lists(st.integers(1, 9), min_size=2, max_size=3)


@several
@given(quotas=quotas)
def test_turns_hold_the_quotas_in_a_round_and_nearly_at_every_place(quotas: list[int]) -> None:
    order = interleaving_order(quotas)
    assert [order.count(part) for part in range(len(quotas))] == quotas
    for place in range(1, len(order) + 1):
        for part, quota in enumerate(quotas):
            assert abs(order[:place].count(part) - quota * place / len(order)) < len(quotas) - 1 + 1e-9


def test_seven_tracks_and_three_episodes_are_spread() -> None:
    # 0.7, 1.4, … behind: worked out by hand.
    assert interleaving_order([7, 3]) == [0, 1, 0, 0, 0, 1, 0, 0, 1, 0]


@several
@given(quotas=quotas, sizes=st.lists(st.integers(0, 25), min_size=3, max_size=3))
def test_a_mix_holds_its_quotas_while_there_are_rows_and_then_fills(quotas: list[int], sizes: list[int]) -> None:
    shown = Shown()
    lists = [list(range(1_000 * part, 1_000 * part + sizes[part])) for part in range(len(quotas))]
    shares = [RankedQuota(quota, Listed(rows, shown)) for quota, rows in zip(quotas, lists, strict=True)]
    mix = Interleaved(shown.rows, shares, tells_filled=True)
    rows = check_beginnings(mix, sum(map(len, lists)))
    for part, listed in enumerate(lists):
        assert [row for row in rows if row // 1_000 == part] == listed
    sources = first_of(mix, len(rows) + 1).sources
    due = interleaving_order(quotas)
    taken: Counter[int] = Counter()
    for place, row in enumerate(rows):
        wanted = due[place % len(due)]
        ran_dry = taken[wanted] == len(lists[wanted])
        assert (sources.get(row) == FILLED) == ran_dry
        assert ran_dry or row // 1_000 == wanted
        taken[row // 1_000] += 1


def test_what_is_merged_without_a_mix_tells_of_no_filling() -> None:
    shown = Shown()
    merged = Interleaved(
        shown.rows,
        [RankedQuota(1, Listed([1, 2], shown, 4)), RankedQuota(1, Listed([7, 8, 9], shown, 5))],
        tells_filled=False,
    )
    found = first_of(merged, 6)
    assert (found.rows, found.sources, found.exhausted, found.num_excluded) == ([1, 7, 2, 8, 9], {}, True, 9)


@several
@given(lists=st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20), min_size=1, max_size=3))
def test_a_chain_goes_on_where_a_ranking_ends(lists: list[list[int]]) -> None:
    shown = Shown()
    chain = FallbackChain(shown.rows, [(f"stage {number}", Listed(rows, shown)) for number, rows in enumerate(lists)])
    expected: dict[int, str] = {}
    for number, rows in enumerate(lists):
        expected |= {row: f"stage {number}" for row in rows if row not in expected}
    assert check_beginnings(chain, len(expected)) == list(expected)
    assert first_of(chain, len(expected) + 1).sources == expected


@several
@given(
    lists=st.lists(st.lists(st.integers(0, 500), unique=True, max_size=40), min_size=2, max_size=2),
    longer=st.integers(0, 300),
)
def test_ranks_are_fused_and_deeper_ranks_never_move_what_is_ahead(lists: list[list[int]], longer: int) -> None:
    shown = Shown()
    lists = [rows + [row for row in range(1_000, 1_000 + longer) if row not in rows] for rows in lists]
    fused = ReciprocalRankFusion(shown.rows, [Listed(rows, shown) for rows in lists])

    def scored(depth: int) -> dict[int, float]:
        scores: dict[int, float] = {}
        for rows in lists:
            for rank, row in enumerate(rows[:depth], start=1):
                scores[row] = scores.get(row, 0.0) + 1 / (60 + rank)
        return scores

    expected: list[int] = []
    for depth in (200, 1_600):
        scores = scored(depth)
        later = [row for rows in lists for row in rows[:depth] if row not in expected]
        expected += sorted(dict.fromkeys(later), key=lambda row: -scores[row])
    found = first_of(fused, len(expected) + 1)
    assert found.exhausted
    assert len(found.rows) == len(set(found.rows)) == len(expected)
    assert set(found.rows) == set(expected)
    first = set(found.rows[: len(scored(200))])
    assert first == scored(200).keys()
    for depth in (1, 20, 150, len(expected)):
        assert first_of(fused, depth).rows == found.rows[:depth]
    best = scored(200)
    assert [best[row] for row in found.rows[: len(best)]] == pytest.approx(sorted(best.values(), reverse=True))


@pytest.mark.parametrize("made", ["mixed", "chained", "fused"])
def test_a_row_dropped_while_another_ranking_is_asked_is_not_shown(made: str) -> None:
    shown = Shown()
    one, other = Listed([1, 2, 3], shown), Listed([7, 8, 9], shown, before=lambda: shown.dropped.add(1))
    rankings: dict[str, Ranking] = {
        "mixed": Interleaved(shown.rows, [RankedQuota(1, one), RankedQuota(1, other)], tells_filled=False),
        "chained": FallbackChain(shown.rows, [("one", one), ("other", other)]),
        "fused": ReciprocalRankFusion(shown.rows, [one, other]),
    }
    found = first_of(rankings[made], 4).rows
    assert len(found) == 4
    assert 1 not in found
