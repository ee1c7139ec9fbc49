"""One release as a worker holds it: opened, with its rules compiled against it and its query tower loaded."""

from msgspec import Struct

from embedding.protocols import QueryTower
from indexing.release import Release
from indexing.rules.compiled import HardRules


class ServedRelease(Struct, frozen=True, kw_only=True):
    """What answers a query; `tower` is None for a release of text only."""

    release: Release
    rules: HardRules
    tower: QueryTower | None
