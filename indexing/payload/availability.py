"""When and where an item may be shown: window lists in one normal form, interned as a class, asked by (market, time).

Two lists that open the same markets at the same times have the same normal form, hence the same class. A class is
a hash, so a list first seen after a build needs no counter, and processes agree without speaking.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.errors import DamagedError
from embedding.rows.schema import EVERYWHERE, Window

ANY_MARKET = "*"

# Open sets are kept by (market, interval): a few markets at the present time, and some asked about other times.
_NUM_KEPT_OPEN_SETS = 64
_NUM_KEPT_LISTS = 16_384

_Span = tuple[float, float]


def normalise(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The normal form: sorted, windows of a market that overlap or touch merged, what `*` covers left out of markets.

    Windows that end before they begin hold no time and vanish; () is open nowhere, at no time.
    """
    spans: dict[str, list[_Span]] = defaultdict(list)
    for window in windows:
        from_s = -math.inf if window.from_s is None else window.from_s
        until_s = math.inf if window.until_s is None else window.until_s
        if from_s < until_s:
            spans[window.market].append((from_s, until_s))
    anywhere = _merge(spans.pop(ANY_MARKET, []))
    normal = [_window(ANY_MARKET, span) for span in anywhere]
    for market in sorted(spans):
        normal += [_window(market, span) for span in _subtract(_merge(spans[market]), anywhere)]
    return tuple(normal)


def availability_class(windows: Iterable[Window]) -> int:
    """The class of `windows`: 63 bits of BLAKE2b over their normal form, as the engine's integers are signed."""
    return _interned(tuple(windows))[1]


def covers(outer: tuple[Window, ...], inner: tuple[Window, ...]) -> bool:
    """Whether `outer` is open wherever and whenever `inner` is."""
    return normalise((*outer, *inner)) == normalise(outer)


class OpenClasses(Struct, frozen=True):
    """The classes open in a market throughout [from_s, until_s); None means no bound on that side."""

    classes: frozenset[int]
    from_s: int | None
    until_s: int | None


class AvailabilityClasses:
    """The table from class to windows: a release's, to which the journal may add. A class not in it is closed."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[Window, ...]] = {}
        self._revision = 0
        self._timeline: _Timeline | None = None
        # Classes added since the timeline was laid out, and theirs: laying all out again takes 82 ms at 50,000.
        self._added: dict[int, tuple[Window, ...]] = {}
        self._added_timeline: _Timeline | None = None

    @property
    def revision(self) -> int:
        """Rises with every new class: what was worked out from the table at a lower one is out of date."""
        return self._revision

    def __len__(self) -> int:
        return len(self._windows)

    def __contains__(self, availability_class: int) -> bool:
        return availability_class in self._windows

    def add(self, windows: Iterable[Window]) -> int:
        """Intern `windows`; their class. DamagedError when two unlike lists have one hash (about n² / 2⁶⁴)."""
        normal, new = _interned(tuple(windows))
        known = self._windows.setdefault(new, normal)
        if known is normal:
            self._revision += 1
            self._added[new] = normal
            self._added_timeline = None
        elif known != normal:
            raise DamagedError(f"availability class {new} stands for {known} and for {normal}: change one of the two")
        return new

    def windows_of(self, availability_class: int) -> tuple[Window, ...]:
        """The normal form of a class; () for one not in the table, which is therefore closed."""
        return self._windows.get(availability_class, ())

    def markets(self) -> frozenset[str]:
        """Every market that a window names, `*` among them where one does."""
        return frozenset(window.market for windows in self._windows.values() for window in windows)

    def open_at(self, market: str, at_s: int) -> OpenClasses:
        """The classes open in `market` (never `*`) at `at_s` (epoch seconds), and how long that answer holds."""
        if self._timeline is None:
            self._timeline = _Timeline(self._windows)
            self._added.clear()
        opened = self._timeline.open_at(market, at_s)
        if not self._added:
            return opened
        if self._added_timeline is None:
            self._added_timeline = _Timeline(self._added)
        return _joined(opened, self._added_timeline.open_at(market, at_s))

    def dump(self) -> bytes:
        """The table as bytes, the same for the same classes whatever the order in which they came."""
        return msgspec.msgpack.encode(dict(sorted(self._windows.items())))

    @classmethod
    def load(cls, data: bytes) -> "AvailabilityClasses":
        """The table that `dump` wrote; DamagedError when the bytes are not one."""
        table = cls()
        try:
            table._windows = msgspec.msgpack.decode(data, type=dict[int, tuple[Window, ...]])
        except msgspec.DecodeError as error:
            raise DamagedError(f"the table of availability classes cannot be read ({error}): build again") from error
        table._revision = len(table._windows)
        return table


@lru_cache(_NUM_KEPT_OPEN_SETS)
def _joined(one: OpenClasses, other: OpenClasses) -> OpenClasses:
    """Open in either, for as long as both answers hold."""
    froms = [opened.from_s for opened in (one, other) if opened.from_s is not None]
    untils = [opened.until_s for opened in (one, other) if opened.until_s is not None]
    return OpenClasses(one.classes | other.classes, max(froms, default=None), min(untils, default=None))


class _Timeline:
    """The table laid out as columns, one row a window, to be asked about one market at one time."""

    def __init__(self, windows: dict[int, tuple[Window, ...]]) -> None:
        rows = [(cls, window) for cls, listed in windows.items() for window in listed]
        markets = sorted({window.market for _, window in rows})
        self._code_of = {market: code for code, market in enumerate(markets)}
        self._classes = np.array([cls for cls, _ in rows], dtype=np.int64)
        self._markets = np.array([self._code_of[window.market] for _, window in rows], dtype=np.int32)
        self._from_s = np.array([-math.inf if w.from_s is None else w.from_s for _, w in rows], dtype=np.float64)
        self._until_s = np.array([math.inf if w.until_s is None else w.until_s for _, w in rows], dtype=np.float64)
        self._boundaries: dict[str, list[float]] = {}
        self._between = lru_cache(_NUM_KEPT_OPEN_SETS)(self._open_between)

    def open_at(self, market: str, at_s: int) -> OpenClasses:
        # Markets that no window names see the `*` windows alone: one entry serves them all.
        name = market if market in self._code_of else ANY_MARKET
        boundaries = self._boundaries.get(name)
        if boundaries is None:
            boundaries = self._boundaries[name] = self._boundaries_of(name)
        return self._between(name, bisect_right(boundaries, at_s))

    def _rows_of(self, market: str) -> NDArray[np.bool_]:
        codes = [self._code_of[name] for name in {market, ANY_MARKET} if name in self._code_of]
        return np.isin(self._markets, codes)

    def _boundaries_of(self, market: str) -> list[float]:
        rows = self._rows_of(market)
        times: list[float] = np.unique(np.concatenate((self._from_s[rows], self._until_s[rows]))).tolist()
        return [time_s for time_s in times if math.isfinite(time_s)]

    def _open_between(self, market: str, index: int) -> OpenClasses:
        """From the boundary before `index` to that at it."""
        boundaries = self._boundaries[market]
        from_s = boundaries[index - 1] if index > 0 else -math.inf
        until_s = boundaries[index] if index < len(boundaries) else math.inf
        rows = self._rows_of(market) & (self._from_s <= from_s) & (until_s <= self._until_s)
        return OpenClasses(
            classes=frozenset(self._classes[rows].tolist()),
            from_s=None if from_s == -math.inf else int(from_s),
            until_s=None if until_s == math.inf else int(until_s),
        )


@lru_cache(_NUM_KEPT_LISTS)
def _interned(windows: tuple[Window, ...]) -> tuple[tuple[Window, ...], int]:
    """The normal form and the class: millions of rows share some thousand lists."""
    normal = normalise(windows)
    return normal, _class_of(normal)


def _class_of(normal: tuple[Window, ...]) -> int:
    plain = [(window.market, window.from_s, window.until_s) for window in normal]
    digest = blake2b(msgspec.msgpack.encode(plain), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _window(market: str, span: _Span) -> Window:
    from_s, until_s = span
    return Window(market, None if from_s == -math.inf else int(from_s), None if until_s == math.inf else int(until_s))


def _merge(spans: list[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for from_s, until_s in sorted(spans):
        if merged and from_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until_s))
        else:
            merged.append((from_s, until_s))
    return merged


def _subtract(spans: list[_Span], covered: list[_Span]) -> list[_Span]:
    left: list[_Span] = []
    for from_s, until_s in spans:
        for cover_from_s, cover_until_s in covered:
            if cover_until_s <= from_s or until_s <= cover_from_s:
                continue
            if from_s < cover_from_s:
                left.append((from_s, cover_from_s))
            from_s = cover_until_s
        if from_s < until_s:
            left.append((from_s, until_s))
    return left


EVERYWHERE_CLASS = availability_class(EVERYWHERE)
