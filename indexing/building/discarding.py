"""What becomes of a release that is not to be shown: all of it goes, also where its build fails."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from embedding.errors import NearfieldError
from indexing.release.passages import drop_collections
from indexing.releases.known_lines import forget_lines
from indexing.stores.contract import VectorStore


async def discard(folder: Path, store: VectorStore) -> None:
    """Remove the collections of the release in `folder`, what is known of its lines, and the folder."""
    await drop_collections(store, folder.name)
    _remove(folder)


@asynccontextmanager
async def discarded_on_failure(
    folder: Path, store: VectorStore, unless: Callable[[Path], bool] = lambda _: False
) -> AsyncIterator[None]:
    """Where the build in it fails, nothing of `folder` stays, `unless` it could be gone on with."""
    try:
        yield
    except Exception:
        if not unless(folder):
            # A store that does not answer keeps them until the next build: then no folder knows them.
            with suppress(NearfieldError):
                await drop_collections(store, folder.name)
            _remove(folder)
        raise


def _remove(folder: Path) -> None:
    forget_lines(folder.parent.parent, folder.name)
    shutil.rmtree(folder, ignore_errors=True)
