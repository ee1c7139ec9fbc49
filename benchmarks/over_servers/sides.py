"""The same world twice: embedded with its state in files, and over a Qdrant server with its state in PostgreSQL."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.harness.servers import Servers
from benchmarks.harness.world import PlantedEncoder, build_world_in
from embedding.settings import EncoderPlace
from indexing.rules.reading import DEFAULT_RULES
from indexing.search.plan import StoredPlan
from indexing.search.plans_file import read_plans, write_plans
from service.schemas.settings import Settings
from service.workers.environ import as_environ

DIMS = 64
SideName = Literal["embedded", "over servers"]
_PORTS: dict[SideName, int] = {"embedded": 18_084, "over servers": 18_085}
_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_STARTED_WITHIN_S = 120.0
# Nothing here is encoded by a service, and one that is loaded would take a core from what is measured.
_NO_ENCODER = EncoderPlace("no encoder")


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
        """Have whoever opens the release from now on answer every measured shape by one plan."""
        version = DEFAULT_RULES[0]
        measured = read_plans(self.settings.data_dir, self.release, version)
        if measured is None:
            sys.exit(f"the doctor left no plans for release {self.release} in {self.settings.data_dir}")
        shapes = [replace(report, chosen=replace(report.chosen, plan=plan)) for report in measured.shapes]
        write_plans(self.settings.data_dir, replace(measured, shapes=tuple(shapes)))

    @contextmanager
    def served(self, workers: int) -> Iterator[None]:
        """`nearfield serve` over it, from when every worker answers until the block ends."""
        log = self.settings.data_dir / "serve.log"
        environ = os.environ | as_environ(replace(self.settings, workers=workers))
        with log.open("w") as lines:
            process = subprocess.Popen([*_CLI, "serve"], env=environ, stdout=lines, stderr=lines)
        try:
            until = time.monotonic() + _STARTED_WITHIN_S
            while "serves release" not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit(f"{self.name}: the service did not begin to answer:\n{log.read_text()}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait()


def build_sides(folder: Path, num_items: int, servers: Servers) -> Sequence[Side]:
    """Both, embedded first, each with a live release of the same planted items."""
    places: dict[SideName, dict[str, str]] = {"embedded": {}, "over servers": servers.settings}
    sides = []
    for name, place in places.items():
        data_dir = folder / name.replace(" ", "-")
        settings = Settings(data_dir=data_dir, port=_PORTS[name], encoder=_NO_ENCODER, **place)
        manifest = asyncio.run(build_world_in(settings, num_items, PlantedEncoder(DIMS)))
        sides.append(Side(name, settings, manifest.id))
    return sides
