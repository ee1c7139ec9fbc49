"""What `nearfield adapt` reads from the command line, and what it prints."""

from pathlib import Path
from typing import Literal

import click
import msgspec

from embedding.commands.options import OUTPUT, ROWS, json_option, pass_settings, warn_of_rejects
from embedding.extras.registry import require
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


@click.command()
@click.argument("catalogue", type=ROWS)
@click.option("--out", required=True, type=OUTPUT, help="Folder of the adapted encoder.")
@click.option(
    "--pairs", type=click.IntRange(2), default=24_000, show_default=True, help="Pairs of texts to learn from."
)
@click.option("--epochs", type=click.IntRange(1), default=2, show_default=True, help="Times that each is learnt from.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of which pairs, in what order.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU where there is one.",
)
@progress_option
@json_option
@pass_settings
@goes_on("Nothing was written. The same command begins again.")
def adapt(
    settings: EmbeddingSettings,
    catalogue: Path,
    out: Path,
    pairs: int,
    epochs: int,
    seed: int,
    device: Literal["auto", "cpu", "cuda", "mps"],
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Fine-tune the text encoder on a catalogue's own titles, texts and shows; one show in five is held out.

    \b
    Example:
      nearfield adapt data/catalogue.jsonl --out encoders/ours
    """
    # Before the rest is imported, which takes seconds.
    require("adapt", "`nearfield adapt`")
    from embedding.runs.adapt import AdaptRequest, gains_text, run_adaptation

    request = AdaptRequest(catalogue=catalogue, out=out, pairs=pairs, epochs=epochs, seed=seed, device=device)
    report = run_adaptation(request, settings, Reporter(progress))
    warn_of_rejects(report.rejects)
    if as_json:
        click.echo(msgspec.json.encode({**msgspec.to_builtins(report), "out": str(out)}))
        return
    click.echo(f"Encoder {report.hash[:12]} in {out}, of {report.base[:12]} and {report.pairs:,} pairs of texts.")
    click.echo("recall@10 of a text by its title, creators held out:")
    for line in gains_text(report.held_out) or ["no language has twenty titles to test on"]:
        click.echo(f"  {line}")
    click.echo(f'To use it: encoder = "{out}" in nearfield.toml, then train and build again.')
