"""A loaded release: opened, with its rules compiled, the log applied and its query tower in memory."""

import os

from msgspec import Struct, field
from msgspec.structs import replace

from embedding.protocols import QueryTower
from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.rules.declaration import RuleSet
from service.loaded.lazy_index import LazyIndex
from service.loaded.leaks import Leaks


class LoadedRelease(Struct, frozen=True, kw_only=True):
    """What answers a query; `tower` is None for a release of text only."""

    release: Release
    rows: CurrentRows
    rules: HardRules
    tower: QueryTower | None
    leaks: Leaks = field(default_factory=Leaks)
    # Of the release's own rows, whatever rules it is asked under.
    names: LazyIndex = field(default_factory=LazyIndex)
    # Keeps the release from being removed while this process may answer from it.
    held: int | None = None

    def under(self, ruleset: RuleSet, version: str) -> "LoadedRelease":
        """The same release, with the same rows, under other rules."""
        return replace(self, rules=self.rules.under(ruleset, version))

    def let_go(self) -> None:
        """Let the release be removed, as far as this process is concerned."""
        if self.held is not None:
            os.close(self.held)

    def afresh(self) -> "LoadedRelease":
        """The same release with nothing of the log applied."""
        return replace(self, rows=CurrentRows(self.release))
