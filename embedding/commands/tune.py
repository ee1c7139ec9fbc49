"""What `nearfield tune` reads from the command line, and what it prints."""

from pathlib import Path
from typing import Literal

import click
import msgspec

from embedding.commands.options import INPUT, OUTPUT, catalogue_option, interactions_option, json_option, pass_settings
from embedding.extras.registry import require
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder


@click.command()
@catalogue_option
@interactions_option
@click.option("--out", required=True, type=OUTPUT, help="TOML file for the best config.")
@click.option("--trials", type=click.IntRange(1), default=30, show_default=True, help="Trials in all calls together.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Begin no trial after so long in this call.")
@click.option(
    "--split",
    type=click.Choice(["common", "time", "none"]),
    default="common",
    show_default=True,
    help="What is never looked at: as `nearfield train` holds out.",
)
@click.option("--config", "config_path", type=INPUT, help="Where to begin; its sizes and features stay.")
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
@goes_on("The trials that were finished are kept beside --out; the same command goes on from there.")
def tune(
    settings: EmbeddingSettings,
    catalogue: Path,
    interactions: Path,
    out: Path,
    trials: int,
    minutes: float | None,
    split: Literal["common", "time", "none"],
    config_path: Path | None,
    device: Literal["auto", "cpu", "cuda", "mps"],
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Search for a config within a budget, by what it gives on training pairs held out; go on where it stopped.

    \b
    Example:
      nearfield tune --catalogue data/catalogue.jsonl --interactions data/interactions.jsonl --out best.toml --trials 30
    """
    # Before the rest is imported, which takes seconds.
    require("tune", "`nearfield tune`")
    from embedding.data.train_config import TrainConfig, load_config
    from embedding.runs.tune import TuneRequest, run_tuning

    request = TuneRequest(
        catalogue=catalogue,
        interactions=interactions,
        out=out,
        split=split,
        config=TrainConfig() if config_path is None else load_config(config_path),
        device=device,
        trials=trials,
        minutes=minutes,
    )
    report = run_tuning(request, settings, load_encoder, Reporter(progress))
    if report.cut is not None:
        click.echo(report.cut, err=True)
    if as_json:
        click.echo(msgspec.json.encode({**msgspec.to_builtins(report), "out": str(out)}))
    else:
        click.echo(
            f"{request.config.validate_by} {report.value:.4f} on validation, {report.first_value:.4f} at the start; "
            f"the best of {report.trials:,} trials is in {out}."
        )
