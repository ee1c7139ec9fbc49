"""What `nearfield shorten` reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import INPUT, OUTPUT, json_option
from embedding.interruption import goes_on


@click.command()
@click.argument("model", type=INPUT)
@click.option("--dims", required=True, type=int, help="Length of the vectors: one of the model's `nested_dims`.")
@click.option("--out", required=True, type=OUTPUT, help="Folder of the shorter model.")
@json_option
@goes_on("Nothing was written. The same command begins again.")
def shorten(model: Path, dims: int, out: Path, as_json: bool) -> None:
    """Cut a model to fewer dims, of those that it was trained for; no data is read.

    \b
    Example:
      nearfield shorten models/live --dims 32 --out models/live-32
    """
    from embedding.runs.shorten import run_shortening

    manifest = run_shortening(model, dims, out)
    if as_json:
        click.echo(msgspec.json.encode({"model": manifest.hash, "out": str(out), "dims": manifest.dims}))
        return
    click.echo(
        f"Model {manifest.hash[:12]} in {out}: {manifest.dims} dims, cut from {str(manifest.shortened_from)[:12]}."
    )
