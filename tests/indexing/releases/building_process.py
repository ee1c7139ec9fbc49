"""A program that builds a release of text only and is killed within a stage: DATA_DIR CATALOGUE CACHE STAGE."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedding.progress import Advance, Reporter
from embedding.protocols import TextEncoder
from embedding.text.encoder_folder import DeferredEncoder, EncoderFolder, find_encoder
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.rules.reading import DEFAULT_RULES
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore


class Deadly(Reporter):
    """Reports nothing; ends the process in the middle of the stage named."""

    def __init__(self, stage: str) -> None:
        super().__init__("none")
        self._deadly_stage = stage

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Die inside the stage, after its first step where it has steps."""

        def die(_steps: int) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        with super().stage(name, total) as advance:
            if name != self._deadly_stage:
                yield advance
            elif total is None:
                die(0)
            else:
                yield die


def _not_needed(_found: EncoderFolder) -> TextEncoder:
    raise AssertionError("every text of the test is in the cache")


def main(data_dir: Path, catalogue: Path, cache_dir: Path, stage: str) -> None:
    """Build until the stage begins."""
    encoder = DeferredEncoder(find_encoder(None), _not_needed)
    with VectorCache.of(cache_dir, encoder) as cache:
        deps = BuildDependencies(
            data_dir=data_dir,
            store=EdgeStore(data_dir / "releases"),
            state=FilesState(data_dir),
            texts=CachedText(encoder, cache),
            rules=DEFAULT_RULES,
            max_reject_share=0.01,
            reporter=Deadly(stage),
        )
        asyncio.run(build_release(BuildInputs(catalogue=catalogue), deps))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
