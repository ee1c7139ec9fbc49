"""What every fusion must do; a new one is checked by a subclass that names it."""

import asyncio
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from service.ranking.contract import Candidates, Ranking
from service.ranking.fusions import Fusion
from tests.service.ranking.listed import Listed, Shown

lists_of_rows = st.lists(st.lists(st.integers(0, 60), unique=True, max_size=40), min_size=1, max_size=3)


def first_of(ranking: Ranking, depth: int) -> Candidates:
    """The first `depth` rows of a ranking."""
    return asyncio.run(ranking.first(depth))


def check_beginnings(ranking: Ranking, num_rows: int) -> list[int]:
    """The whole list of `num_rows`, of which every shorter answer is the beginning."""
    whole = first_of(ranking, num_rows + 5)
    assert whole.exhausted
    assert len(whole.rows) == num_rows == len(set(whole.rows))
    for depth in range(1, num_rows + 1):
        found = first_of(ranking, depth)
        assert (found.rows, found.scores) == (whole.rows[:depth], whole.scores[:depth])
        assert {row: whole.sources[row] for row in found.rows if row in whole.sources} == dict(found.sources)
        assert not found.exhausted
    return whole.rows


class FusionContract:
    """Subclass it, and say which fusion: `class TestMine(FusionContract): fusion = Mine()`."""

    fusion: ClassVar[Fusion]

    def test_every_row_comes_once_and_no_depth_moves_another(self) -> None:
        """The union of all rows, in an order that does not depend on how many are asked for."""

        @settings(max_examples=60, deadline=None)
        @given(lists=lists_of_rows)
        def holds(lists: list[list[int]]) -> None:
            shown = Shown()
            fused = self.fusion.fuse(shown.rows, [Listed(rows, shown) for rows in lists])
            union = {row for rows in lists for row in rows}
            assert set(check_beginnings(fused, len(union))) == union

        holds()

    def test_scores_fall(self) -> None:
        """A row that stands higher scores no less."""
        shown = Shown()
        scores = first_of(self.fusion.fuse(shown.rows, [Listed([3, 1, 2], shown), Listed([1, 9], shown)]), 4).scores
        assert scores == sorted(scores, reverse=True)

    def test_what_is_first_everywhere_is_first(self) -> None:
        """Of rankings that agree on the best row, that row is the best."""
        shown = Shown()
        fused = self.fusion.fuse(shown.rows, [Listed([4, 1, 2], shown), Listed([4, 7], shown)])
        assert first_of(fused, 1).rows == [4]

    def test_a_row_dropped_while_another_ranking_is_asked_is_not_shown(self) -> None:
        """The journal may move on between two rankings."""
        shown = Shown()
        other = Listed([7, 8, 9], shown, before=lambda: shown.dropped.add(1))
        found = first_of(self.fusion.fuse(shown.rows, [Listed([1, 2, 3], shown), other]), 4).rows
        assert len(found) == 4
        assert 1 not in found

    def test_it_says_how_many_rows_were_excluded_once_all_is_exhausted(self) -> None:
        """As Candidates.num_excluded: what the rules let pass and the request leaves out."""
        shown = Shown()
        found = first_of(self.fusion.fuse(shown.rows, [Listed([1], shown, 4), Listed([2], shown, 4)]), 9)
        assert (found.exhausted, found.num_excluded) == (True, 4)

    def test_it_has_a_name(self) -> None:
        """By which it is found."""
        assert self.fusion.name == self.fusion.name.strip().lower() != ""
