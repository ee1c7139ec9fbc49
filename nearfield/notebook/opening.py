"""`nearfield.open`: which model or release a name or a path means."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from embedding.errors import NotFoundError
from embedding.settings import EncoderPlace
from embedding.towers.model_folder import WEIGHTS
from indexing.journal.current_rows import CurrentRows
from indexing.release.manifest import MANIFEST
from indexing.release.release import Release as ReleaseFolder
from indexing.releases.shown_vectors import LIVE, open_shown
from indexing.releases.workspace import open_workspace
from indexing.settings import IndexingSettings
from nearfield.notebook.model import Model
from nearfield.notebook.release import Release

_RELEASES = "releases"


def open(
    place: str | Path = LIVE,
    *,
    data_dir: str | Path = ".nearfield",
    encoder: str | Path | None = None,
    state_url: str | None = None,
) -> Release | Model:
    """A release: `live`, the id of one in `data_dir`, or the path of its folder; or the model in a folder that
    `nearfield train --out` wrote.

    `data_dir`: where `nearfield index build` puts releases; texts are cached there. `encoder`: as the setting of that
    name; None is the packaged text encoder. `state_url`: the database, where that keeps the state. Nothing is read of
    `nearfield.toml`.

    Of a release's folder that lies outside every data folder nothing is known of changes and takedowns since its
    build: it is opened as it was built.

    Raises NotFoundError, which says what there is; MismatchError, DamagedError.
    """
    settings = IndexingSettings(
        data_dir=Path(data_dir),
        encoder=None if encoder is None else EncoderPlace.named(str(encoder), Path()),
        state_url=state_url,
    )
    folder, release = Path(place), str(place)
    if (folder / MANIFEST).is_file():
        if (folder / WEIGHTS).is_file():
            return Model(folder, settings)
        if folder.resolve().parent.name != _RELEASES:
            return Release(CurrentRows(ReleaseFolder(folder)), settings)
        settings = replace(settings, data_dir=folder.resolve().parent.parent)
        release = folder.resolve().name
    if not (settings.data_dir / _RELEASES).is_dir():
        raise NotFoundError(
            f"Nothing is called {release!r}: expected `live`, the id of a release in data_dir, or the folder of a "
            f"release or a model. No such folder is here, and data_dir ({settings.data_dir}) holds no releases."
        )
    # A notebook runs a loop of its own in this thread.
    with ThreadPoolExecutor(1) as thread:
        return Release(thread.submit(asyncio.run, _shown(settings, release)).result(), settings)


async def _shown(settings: IndexingSettings, release_id: str) -> CurrentRows:
    async with open_workspace(settings) as workspace:
        return await open_shown(workspace, release_id)
