"""What is served: a release of planted items, built by one host over the cluster, and pulled by the other."""

import asyncio
import json
from pathlib import Path

from benchmarks.harness.world import PlantedEncoder, rows
from embedding.progress import Reporter
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.releases.activation import activate
from indexing.releases.push import push_release
from indexing.releases.workspace import open_workspace
from indexing.rules.reading import DEFAULT_RULES
from service.schemas.load_settings import load_settings

MARKET = "SE"
_DIMS = 64


def build_and_push(host: Path, num_items: int) -> str:
    """Build a release by the settings in the folder `host`, push it, and make it live; its id."""
    catalogue = host / "catalogue.jsonl"
    with catalogue.open("w") as file:
        for row in rows(num_items):
            file.write(json.dumps(row) + "\n")
    settings = load_settings(host, {}, {})
    encoder, reporter = PlantedEncoder(_DIMS), Reporter("none")

    async def build() -> str:
        async with open_workspace(settings) as workspace:
            deps = BuildDependencies(
                data_dir=settings.data_dir,
                store=workspace.store,
                state=workspace.state,
                texts=CachedText(encoder, VectorCache(host / "vectors", encoder.hash, encoder.dims)),
                rules=DEFAULT_RULES,
                max_reject_share=0.0,
                reporter=reporter,
            )
            manifest = await build_release(BuildInputs(catalogue=catalogue), deps)
            await push_release(workspace, manifest.id, reporter)
            await activate(workspace, manifest.id)
            return manifest.id

    return asyncio.run(build())
