"""What `nearfield train` and `nearfield evaluate` read from the command line, and what they print."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec
from rich.console import Console
from rich.table import Table

from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder

if TYPE_CHECKING:
    from embedding.runs.evaluate import EvaluateReport
    from embedding.runs.train import TrainReport

_settings = click.make_pass_decorator(EmbeddingSettings)
_INPUT = click.Path(exists=True, path_type=Path)
_OUTPUT = click.Path(path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
_catalogue = click.option("--catalogue", required=True, type=_INPUT, help="Catalogue: a file or a folder.")
_interactions = click.option("--interactions", required=True, type=_INPUT, help="Interactions: a file or a folder.")


@click.command()
@_catalogue
@_interactions
@click.option("--out", required=True, type=_OUTPUT, help="Folder of the model; a model there is replaced.")
@click.option(
    "--split",
    type=click.Choice(["common", "time", "none"]),
    default="common",
    show_default=True,
    help="What is held out: a fifth of the pairs by hash, the newest fifth, or nothing (for going live).",
)
@click.option("--config", "config_path", type=_INPUT, help="TOML file; its keys are in docs/training.md.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train; auto takes a GPU where there is one.",
)
@click.option("--resume", is_flag=True, help="Go on from where a killed run of the same command stood.")
@click.option("--warm-start", type=_INPUT, help="Model whose weights to begin with; new ids get rows of their own.")
@click.option("--log", type=_OUTPUT, help="Folder for training.csv and for TensorBoard's files.")
@progress_option
@_json
@_settings
def train(
    settings: EmbeddingSettings,
    catalogue: Path,
    interactions: Path,
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
    from embedding.runs.train import TrainRequest, run_training

    request = TrainRequest(
        catalogue=catalogue,
        interactions=interactions,
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
    _warn_of_rejects(report.rejects)
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


class _BaselinesOption(click.Option):
    """An option whose help lists all baselines. They are loaded when help is asked for: scipy takes half a second."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from embedding.evaluation.baselines.registry import BASELINES

        self.help = f"Comma-separated baselines for the same run: {', '.join(BASELINES.names)}; or none."
        return super().get_help_record(ctx)


@click.command()
@click.argument("model", type=_OUTPUT)
@_catalogue
@_interactions
@click.option("--test", type=_INPUT, help="Held-out interactions of your own, in place of the model's split.")
@click.option(
    "--baselines",
    cls=_BaselinesOption,
    default="popularity",
    show_default=True,
    help="Comma-separated baselines for the same run, or none.",
)
@click.option("--against", type=_INPUT, help="Another model to rank in the same run and to compare user by user.")
@click.option("--plots", type=_OUTPUT, help="Folder for recall.png, slices.png and bias.png, model against baselines.")
@progress_option
@_json
@_settings
def evaluate(
    settings: EmbeddingSettings,
    model: Path,
    catalogue: Path,
    interactions: Path,
    test: Path | None,
    baselines: str,
    against: Path | None,
    plots: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Rank the whole catalogue for every user with held-out pairs; each metric beside the baselines'.

    \b
    Example:
      nearfield evaluate model --catalogue data/catalogue.jsonl --interactions data/interactions.jsonl
    """
    from embedding.evaluation.baselines.registry import parse_baselines
    from embedding.runs.evaluate import EvaluateRequest, run_evaluation

    request = EvaluateRequest(
        model=model,
        catalogue=catalogue,
        interactions=interactions,
        test=test,
        baselines=parse_baselines(baselines),
        against=against,
    )
    report = run_evaluation(request, settings, load_encoder, Reporter(progress))
    _warn_of_rejects(report.rejects)
    if plots is not None:
        from embedding.runs.plots import draw_plots

        for path in draw_plots(report, plots):
            click.echo(f"Plot: {path}", err=True)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_report(report)


def _warn_of_rejects(rejects: dict[str, int]) -> None:
    for path, count in rejects.items():
        click.echo(f"{count:,} rows were not taken; see {path}", err=True)


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


def _print_report(report: "EvaluateReport") -> None:
    split = "given test pairs" if report.split is None else f"{report.split.name} split"
    counts = report.counts
    scorers = {"towers": report.metrics, **report.baselines}
    console = Console()
    console.print(
        f"{split}: {counts.test_pairs:,} held-out pairs of {counts.users:,} users, "
        f"{counts.candidates:,} candidates ({counts.cold_candidates:,} not seen in training)",
        highlight=False,
    )
    if counts.users_without_history:
        console.print(f"{counts.users_without_history:,} users have no history: all get the same list", highlight=False)
    metrics = _table("metric", scorers)
    for metric in report.metrics:
        metrics.add_row(metric, *(f"{values[metric]:.4f}" for values in scorers.values()))
    chance = ("", *(f"{report.p_values[name]['recall@20']:.4f}" for name in report.baselines))
    if report.baselines:
        metrics.add_row("p of recall@20", *chance)
    bias = _table("first 20 places", scorers)
    for key in next(iter(report.bias.values())).__struct_fields__:
        bias.add_row(key.replace("_", " "), *(f"{getattr(report.bias[name], key):.4f}" for name in scorers))
    parts = _table("slice, recall@20", scorers, "pairs")
    for label, part in report.slices["towers"].items():
        parts.add_row(label, f"{part.pairs:,}", *(f"{report.slices[name][label].recall:.4f}" for name in scorers))
    for table in (metrics, bias, parts):
        console.print(table)


def _table(title: str, scorers: dict[str, dict[str, float]], *columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    for name in (*columns, *scorers):
        table.add_column(name, justify="right")
    return table
