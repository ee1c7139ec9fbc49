"""The same world twice: embedded with its state in files, and over a Qdrant server with its state in PostgreSQL."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.harness.opened_world import CONTEXT
from benchmarks.harness.served import NO_ENCODER
from benchmarks.harness.servers import Servers
from benchmarks.harness.world import PlantedEncoder, build_world_in
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.rules.reading import DEFAULT_RULES
from indexing.search.measured import Measured, MeasuredPlans, ShapeReport, shape_of
from indexing.search.plan import StoredPlan
from indexing.search.plans_file import write_plans
from service.schemas.settings import Settings

DIMS = 64
SideName = Literal["embedded", "over servers"]


class Side(Struct, frozen=True):
    """One of the two: where its world lies, and the live release there."""

    name: SideName
    settings: Settings
    release: str

    @property
    def address(self) -> str:
        """Where it answers, while it is served."""
        return f"http://127.0.0.1:{self.settings.port}"

    def go_by(self, plan: StoredPlan) -> None:
        """Have whoever opens the release from now on answer the requests of this benchmark by one plan."""
        release = Release(self.settings.data_dir / "releases" / self.release)
        version, ruleset = DEFAULT_RULES
        rules = HardRules(ruleset, version, release.classes, lambda where: where, release.share)
        shape = shape_of(rules.compile(CONTEXT), "text")
        forced = Measured(plan=plan, recall=1.0, p50_ms=0.0, p99_ms=0.0, short_pages=0, queries=0)
        report = ShapeReport(shape=shape, share=shape.band / 100, chosen=forced, tried=())
        plans = MeasuredPlans(
            release=self.release, rules_version=version, measured_at="", shapes=(report,), unmeasured=0, leaks=0
        )
        write_plans(self.settings.data_dir, plans)


def build_sides(folder: Path, num_items: int, servers: Servers) -> Sequence[Side]:
    """Both, embedded first, each with a live release of the same planted items."""
    alone = Settings(port=18_084, encoder=NO_ENCODER)
    places: dict[SideName, Settings] = {
        "embedded": alone,
        "over servers": replace(alone, port=18_085, qdrant_url=servers.qdrant_url, state_url=servers.state_url),
    }
    sides = []
    for name, settings in places.items():
        settings = replace(settings, data_dir=folder / name.replace(" ", "-"))
        manifest = asyncio.run(build_world_in(settings, num_items, PlantedEncoder(DIMS)))
        sides.append(Side(name, settings, manifest.id))
    return sides
