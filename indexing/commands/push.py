"""The command `nearfield index push`."""

import asyncio
from typing import TYPE_CHECKING

import click

from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from indexing.command_options import json_option, pass_settings, print_json
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.releases.push import Pushed


@click.command()
@click.argument("release", required=False)
@click.option("--verify", is_flag=True, help="Read back every byte that is there, and send again what is damaged.")
@json_option
@progress_option
@pass_settings
@goes_on("What was sent stays there. The same command sends the rest.")
def push(settings: IndexingSettings, release: str | None, verify: bool, as_json: bool, progress: ProgressMode) -> None:
    """Send RELEASE (left out: the live one) to the release store, from where other hosts pull it.

    The store is a folder or a bucket: the setting `release_store`. What is there already is not sent again, also
    after a push that was killed. A build does it by itself.

    \b
    Examples:
      NEARFIELD_RELEASE_STORE=s3://bucket/nearfield nearfield index push
      nearfield index push r20261123074500123 --verify
    """
    from indexing.releases.push import push_release
    from indexing.releases.workspace import open_workspace

    reporter = Reporter(progress)

    async def run() -> "Pushed":
        async with open_workspace(settings) as workspace:
            release_id = release or await workspace.releases.live_id()
            return await push_release(workspace, release_id, reporter, verify=verify)

    pushed = asyncio.run(run())
    if as_json:
        print_json(pushed)
        return
    print(
        f"{pushed.release} is in {pushed.store}: {pushed.num_files:,} files of {pushed.num_bytes / 1e6:,.1f} MB, of "
        f"which {pushed.sent_bytes / 1e6:,.1f} MB were sent"
    )
