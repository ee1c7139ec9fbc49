"""The tally of a hunt: pairs judged, forbidden items shown, permitted ones missing."""

from collections import Counter
from typing import Any

from msgspec import Struct

# Enough to see what they have in common; all are counted.
_NUM_KEPT = 20


class Finding(Struct, frozen=True):
    """One wrong (item, context) pair; `request` is what to send to see it again."""

    found: str
    route: str
    item: str
    rule: str | None
    request: dict[str, Any] | None


class RouteCount(Struct):
    """Of one way of asking: what was answered and what refused, items judged in the answers, and what was wrong.

    `failed` are answers by which the service says that it is at fault (500).
    """

    questions: int = 0
    refused: int = 0
    judged: int = 0
    leaks: int = 0
    missing: int = 0
    duplicates: int = 0
    failed: int = 0

    @property
    def wrong(self) -> int:
        """All that should not have been."""
        return self.leaks + self.missing + self.duplicates + self.failed


class Tally:
    """Counts for a whole hunt."""

    def __init__(self) -> None:
        self.pairs = 0
        self.contexts = 0
        self.routes: dict[str, RouteCount] = {}
        self.findings: list[Finding] = []
        self.refusals: Counter[str] = Counter()

    def of(self, route: str) -> RouteCount:
        """The counts of one route."""
        return self.routes.setdefault(route, RouteCount())

    def leak(self, route: str, item: str, rule: str, request: dict[str, Any] | None) -> None:
        """A forbidden item was shown, or let pass."""
        self.of(route).leaks += 1
        self._keep(Finding("leak", route, item, rule, request))

    def missing(self, route: str, item: str, request: dict[str, Any] | None) -> None:
        """A permitted item was not shown where all had to be, or not let pass."""
        self.of(route).missing += 1
        self._keep(Finding("missing", route, item, None, request))

    def duplicate(self, route: str, item: str, request: dict[str, Any] | None) -> None:
        """An item was shown twice in one list."""
        self.of(route).duplicates += 1
        self._keep(Finding("duplicate", route, item, None, request))

    @property
    def leaks(self) -> int:
        """Forbidden items that were shown or let pass."""
        return sum(count.leaks for count in self.routes.values())

    @property
    def wrong(self) -> int:
        """Everything that should not have been, leaks too."""
        return sum(count.wrong for count in self.routes.values())

    def _keep(self, finding: Finding) -> None:
        if len(self.findings) < _NUM_KEPT:
            self.findings.append(finding)
