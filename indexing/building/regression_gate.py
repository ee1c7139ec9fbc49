"""What a new release must keep of the live one before it may take its place: items, markets, neighbours."""

import time
from collections import Counter

import numpy as np
from msgspec import Struct

from indexing.columns.columns import Columns
from indexing.errors import GateError
from indexing.payload.availability import ANY_MARKET, AvailabilityClasses
from indexing.release.release import Release

_NUM_SAMPLED, _K = 200, 10
# Half of a market gone at once is a fault of the input; a market that is given up is built with --force.
_MIN_MARKET_SHARE = 0.5


class RegressionBounds(Struct, frozen=True):
    """The least that must be kept; each is a setting of that name."""

    max_removed_share: float = 0.5
    min_overlap: float = 0.2


class ComparedRelease(Struct, frozen=True):
    """A release as far as it is compared; the new one has no manifest yet."""

    columns: Columns
    classes: AvailabilityClasses
    space: str
    model_hash: str | None

    @classmethod
    def of(cls, release: Release) -> "ComparedRelease":
        """A finished release."""
        return cls(release.columns, release.classes, release.space, release.manifest.model_hash)


class Failure(Struct, frozen=True):
    """A number that failed, and its bound in words."""

    check: str
    told: str


def compare(new: ComparedRelease, live: ComparedRelease, bounds: RegressionBounds) -> list[Failure]:
    """What of the live release's items, markets and neighbours the new one does not keep."""
    return [*_removed(new, live, bounds), *_short_markets(new, live), *_overlap(new, live, bounds)]


def enforce(failures: list[Failure]) -> None:
    """GateError that tells every failure."""
    if failures:
        told = "; ".join(failure.told for failure in failures)
        raise GateError(f"{told}. The live release stays as it is. If that is meant, build with --force.")


def _removed(new: ComparedRelease, live: ComparedRelease, bounds: RegressionBounds) -> list[Failure]:
    ids = live.columns.ids
    gone = sum(new.columns.ids.find(ids.id_at(row)) < 0 for row in range(len(ids)))
    share = gone / max(1, len(ids))
    if share <= bounds.max_removed_share:
        return []
    told = (
        f"{gone:,} of the live release's {len(ids):,} items ({share:.1%}) are gone, "
        f"at most {bounds.max_removed_share:.1%} may be (max_removed_share)"
    )
    return [Failure("removed", told)]


def _short_markets(new: ComparedRelease, live: ComparedRelease) -> list[Failure]:
    now_s = int(time.time())
    before, after = _open_by_market(live, now_s), _open_by_market(new, now_s)
    return [
        Failure(
            f"market {market}",
            f"{_called(market)} would have {after[market]:,} open items instead of {count:,}, "
            f"at least {_MIN_MARKET_SHARE:.0%} of them are needed",
        )
        for market, count in sorted(before.items())
        if after[market] < _MIN_MARKET_SHARE * count
    ]


def _called(market: str) -> str:
    return "any market that no window names" if market == ANY_MARKET else f"market {market}"


def _open_by_market(release: ComparedRelease, at_s: int) -> Counter[str]:
    columns = release.columns
    counted = Counter(columns.payload(row).availability_class for row in range(len(columns)))
    opened: Counter[str] = Counter()
    for market in release.classes.markets() | {ANY_MARKET}:
        for cls in release.classes.open_at(market, at_s).classes:
            opened[market] += counted[cls]
    return opened


def _overlap(new: ComparedRelease, live: ComparedRelease, bounds: RegressionBounds) -> list[Failure]:
    if (new.model_hash, new.space) != (live.model_hash, live.space):
        # Another model is meant to have other neighbours.
        return []
    rows = np.unique(np.linspace(0, len(live.columns) - 1, num=_NUM_SAMPLED).astype(np.int64)).tolist()
    ids = [live.columns.ids.id_at(row) for row in rows]
    both = [item_id for item_id in ids if new.columns.ids.find(item_id) >= 0]
    if not both:
        return []
    shares = [len(_near(new, item) & _near(live, item)) / min(_K, len(live.columns)) for item in both]
    overlap = float(np.mean(shares))
    if overlap >= bounds.min_overlap:
        return []
    told = (
        f"sampled items keep {overlap:.1%} of their nearest {_K}, at least {bounds.min_overlap:.1%} are needed "
        "(min_overlap)"
    )
    return [Failure("overlap", told)]


def _near(release: ComparedRelease, item_id: str) -> set[str]:
    vectors = release.columns.vectors(release.space)
    scores = vectors @ vectors[release.columns.ids.find(item_id)]
    k = min(_K, len(scores))
    return {release.columns.ids.id_at(int(row)) for row in np.argpartition(-scores, k - 1)[:k]}
