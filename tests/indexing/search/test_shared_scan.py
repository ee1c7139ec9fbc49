"""Scans that wait together are made together, and nobody's answer depends on who else waits."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.shared_scan import SharedScan
from indexing.stores.contract import Ranked
from tests.indexing.drawn import items
from tests.indexing.scanned import ANYBODY, NUM_ITEMS, Catalogue


class Counted(ColumnScan):
    """A scan that tells how many were scanned for together, each time."""

    sizes: list[int]

    def nearest_of(self, wanted: Sequence[NearestQuery]) -> list[Ranked]:
        self.sizes.append(len(wanted))
        return super().nearest_of(wanted)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(items(11, NUM_ITEMS), tmp_path / "columns")


@pytest.fixture
def scan(catalogue: Catalogue) -> Counted:
    scan = Counted(catalogue.columns, catalogue.fields)
    scan.sizes = []
    return scan


def all_wanted(catalogue: Catalogue) -> list[NearestQuery]:
    compiled = catalogue.compiled(ANYBODY)
    return [NearestQuery(vector, "text", compiled, 7) for vector in catalogue.vectors["text"][:12]]


def test_what_waits_at_once_is_one_scan_and_each_gets_its_own(catalogue: Catalogue, scan: Counted) -> None:
    wanted = all_wanted(catalogue)

    async def ask() -> tuple[list[Ranked], list[Ranked]]:
        shared = SharedScan(scan)
        together = list(await asyncio.gather(*map(shared.nearest, wanted)))
        return together, [await shared.nearest(one) for one in wanted]

    together, alone = asyncio.run(ask())
    assert together == alone
    assert scan.sizes == [12] + [1] * 12
    assert len({tuple(found.rows) for found in together}) == 12


def test_one_scan_does_not_hold_the_loop_for_everybody_at_once(catalogue: Catalogue, scan: Counted) -> None:
    wanted = all_wanted(catalogue) * 6

    async def ask() -> list[Ranked]:
        return list(await asyncio.gather(*map(SharedScan(scan).nearest, wanted)))

    assert asyncio.run(ask()) == scan.nearest_of(wanted)
    assert scan.sizes == [32, 32, 8, 72]


def test_who_has_gone_away_is_not_searched_for(catalogue: Catalogue, scan: Counted) -> None:
    wanted = all_wanted(catalogue)

    async def ask() -> list[Ranked | BaseException]:
        shared = SharedScan(scan)
        asked = [asyncio.ensure_future(shared.nearest(one)) for one in wanted[:3]]
        await asyncio.sleep(0)
        asked[0].cancel()
        return list(await asyncio.gather(*asked, return_exceptions=True))

    gone, first, last = asyncio.run(ask())
    assert isinstance(gone, asyncio.CancelledError)
    assert [first, last] == scan.nearest_of([wanted[1], wanted[2]])
    assert scan.sizes == [2, 2]


def test_an_error_is_the_error_of_whoever_asked_for_it_and_is_told(
    catalogue: Catalogue, scan: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    good = all_wanted(catalogue)[:2]
    bad = NearestQuery(catalogue.vectors["text"][0], "no space", catalogue.compiled(ANYBODY), 7)

    async def ask() -> list[Ranked | BaseException]:
        shared = SharedScan(scan)
        return list(await asyncio.gather(*map(shared.nearest, (good[0], bad, good[1])), return_exceptions=True))

    first, failed, last = asyncio.run(ask())
    assert isinstance(failed, FileNotFoundError)
    assert [first, last] == [scan.nearest_of([one])[0] for one in good]
    assert "a scan for 3 requests together failed" in caplog.text
