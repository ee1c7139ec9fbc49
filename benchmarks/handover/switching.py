"""Switches of the live release, in a process that is not the clients': hashing files would hold them up."""

import asyncio
import time
from pathlib import Path

from benchmarks.harness.load_clients import releases_that_answer
from indexing.releases.releases import Releases
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore

PORT = 18_090
_LOOK_EVERY_S = 0.3


def releases_of(folder: Path) -> Releases:
    """What is in the folder in which commands are typed."""
    return Releases(
        folder / ".nearfield", EdgeStore(folder / ".nearfield" / "releases"), FilesState(folder / ".nearfield")
    )


def live_id(folder: Path) -> str | None:
    """The release that is live."""
    return asyncio.run(releases_of(folder).live_id())


def switch(folder: Path, release_id: str, body: bytes) -> None:
    """Make a release live, and wait until no worker answers from another."""
    asyncio.run(releases_of(folder).activate(release_id))
    while releases_that_answer(PORT, "/v1/similar", body) != {release_id}:
        time.sleep(_LOOK_EVERY_S)
