"""The command `nearfield export vectors`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexing.command_options import json_option, pass_settings, print_json
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from embedding.rows.vector_files import VectorFormat
    from indexing.releases.export import Exported


@click.group()
def export() -> None:
    """Write what a release holds to files that other programs read."""


@export.command()
@click.argument("release")
@click.option(
    "--to", type=click.Choice(("parquet", "npy")), required=True, help="parquet: id and vector; npy: and a list of ids."
)
@click.option("--space", help="Which vectors, as in `dims` of its manifest: tower or text; default: the release's own.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="here",
    help="Folder for the files, RELEASE.SPACE.parquet, or RELEASE.SPACE.npy and RELEASE.SPACE.ids.json.",
)
@json_option
@pass_settings
def vectors(
    settings: IndexingSettings, release: str, to: "VectorFormat", space: str | None, out: Path, as_json: bool
) -> None:
    """Write the item vectors of RELEASE (its id, or `live`), each with its id.

    Of all items that it has now: what was put since its build is among them, what was removed or taken down is not.
    The rules are not asked: an item may be closed in every market. For research, not for showing.

    \b
    Examples:
      nearfield export vectors live --to parquet
      nearfield export vectors r20261123074500123 --to npy --space text --out vectors
    """
    from indexing.releases.export import export_vectors
    from indexing.releases.workspace import open_workspace

    async def run() -> "Exported":
        async with open_workspace(settings) as workspace:
            return await export_vectors(workspace, release, space, out, to)

    exported = asyncio.run(run())
    if as_json:
        print_json(exported)
        return
    click.echo(
        f"{exported.rows:,} {exported.space} vectors of {exported.dims} dims, release {exported.release}", err=True
    )
    for file in exported.files:
        print(file)
