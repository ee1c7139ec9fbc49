"""What `nearfield train` reads from the command line, and what it prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from embedding.commands.options import (
    INPUT,
    OUTPUT,
    catalogue_option,
    interactions_option,
    json_option,
    map_option,
    pass_settings,
    warn_of_rejects,
)
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder

if TYPE_CHECKING:
    from embedding.runs.train import TrainReport


@click.command()
@catalogue_option
@interactions_option
@map_option
@click.option("--out", required=True, type=OUTPUT, help="Folder of the model; a model there is replaced.")
@click.option(
    "--split",
    type=click.Choice(["common", "time", "none"]),
    default="common",
    show_default=True,
    help="What is held out: a fifth of the pairs by hash, the newest fifth, or nothing (for going live).",
)
@click.option("--config", "config_path", type=INPUT, help="TOML file; its keys are in docs/training.md.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train; auto takes a GPU where there is one.",
)
@click.option("--resume", is_flag=True, help="Go on from where a killed run of the same command stood.")
@click.option("--warm-start", type=INPUT, help="Model whose weights to begin with; new ids get rows of their own.")
@click.option("--log", type=OUTPUT, help="Folder for training.csv and for TensorBoard's files.")
@progress_option
@json_option
@pass_settings
@goes_on(
    "The same command with --resume goes on from the last checkpoint, where one was written; texts that were "
    "encoded are kept in the cache."
)
def train(
    settings: EmbeddingSettings,
    catalogue: Path,
    interactions: Path,
    map_path: Path | None,
    out: Path,
    split: Literal["common", "time", "none"],
    config_path: Path | None,
    device: Literal["auto", "cpu", "cuda", "mps"],
    resume: bool,
    warm_start: Path | None,
    log: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Train the two towers on a catalogue and its interactions.

    \b
    Example:
      nearfield train --catalogue data/catalogue.jsonl --interactions data/interactions.jsonl --out model
    """
    from embedding.data.train_config import TrainConfig, load_config
    from embedding.rows.column_map.row_parsers import rows_by
    from embedding.runs.train import TrainRequest, run_training

    request = TrainRequest(
        catalogue=catalogue,
        interactions=interactions,
        rows=rows_by(map_path),
        out=out,
        split=split,
        config=TrainConfig() if config_path is None else load_config(config_path),
        device=device,
        resume=resume,
        warm_start=warm_start,
        log=log,
    )
    report = run_training(request, settings, load_encoder, Reporter(progress))
    if not report.is_first:
        return
    warn_of_rejects(report.rejects)
    if report.cut is not None:
        click.echo(report.cut, err=True)
    if resume:
        where = "the start: there is no checkpoint" if report.resumed_at is None else f"step {report.resumed_at:,}"
        click.echo(f"Gone on from {where}.", err=True)
    if as_json:
        click.echo(msgspec.json.encode(_summary(out, report)))
    else:
        manifest = report.manifest
        counts = manifest.counts
        click.echo(
            f"Model {manifest.hash[:12]} in {out}: split {manifest.split.name}, {counts.pairs:,} pairs of "
            f"{counts.users:,} users and {counts.items:,} items, "
            f"loss {report.losses[0]:.3f} to {report.losses[-1]:.3f}{_stopped(report)}."
        )


def _stopped(report: "TrainReport") -> str:
    if not report.scores:
        return ""
    best = report.manifest.epochs or len(report.scores)
    return f"; validation {report.scores[best - 1]:.4f} after epoch {best} of {len(report.scores)}"


def _summary(out: Path, report: "TrainReport") -> dict[str, object]:
    manifest = report.manifest
    return {
        "model": manifest.hash,
        "out": str(out),
        "split": manifest.split,
        "counts": manifest.counts,
        "losses": report.losses,
        "scores": report.scores,
        "resumed_at": report.resumed_at,
        "rejects": report.rejects,
    }
