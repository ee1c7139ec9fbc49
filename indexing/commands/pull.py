"""The command `nearfield index pull`."""

import asyncio
from typing import TYPE_CHECKING

import click

from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from indexing.command_options import json_option, pass_settings, print_json
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.releases.pull import Pulled


@click.command()
@click.argument("release", required=False)
@json_option
@progress_option
@pass_settings
@goes_on("What was fetched stays here. The same command fetches the rest.")
def pull(settings: IndexingSettings, release: str | None, as_json: bool, progress: ProgressMode) -> None:
    """Get RELEASE from the release store. Left out: the live one, or the newest there while none is live.

    Every byte is checked before the release is here; what is here already is not fetched again, also after a pull that
    was killed. It does not go live.

    \b
    Examples:
      NEARFIELD_RELEASE_STORE=s3://bucket/nearfield nearfield index pull
      nearfield index pull r20261123074500123
    """
    from indexing.releases.pull import pull_release, wanted_release
    from indexing.releases.workspace import open_workspace

    reporter = Reporter(progress)

    async def run() -> "Pulled":
        async with open_workspace(settings) as workspace:
            return await pull_release(workspace, release or await wanted_release(workspace), reporter)

    pulled = asyncio.run(run())
    if as_json:
        print_json(pulled)
        return
    print(
        f"{pulled.release} is here: {pulled.num_files:,} files of {pulled.num_bytes / 1e6:,.1f} MB, of which "
        f"{pulled.fetched_bytes / 1e6:,.1f} MB were fetched"
    )
