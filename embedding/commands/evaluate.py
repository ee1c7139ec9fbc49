"""What `nearfield evaluate` reads from the command line, and what it prints."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from embedding.commands.options import (
    INPUT,
    OUTPUT,
    ROWS,
    catalogue_option,
    interactions_option,
    json_option,
    pass_settings,
    warn_of_rejects,
)
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder

if TYPE_CHECKING:
    from embedding.runs.evaluate import EvaluateReport


class _BaselinesOption(click.Option):
    """An option whose help lists all baselines. They are loaded when help is asked for: scipy takes half a second."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from embedding.evaluation.baselines.registry import BASELINES

        self.help = f"Comma-separated baselines for the same run: {', '.join(BASELINES.names)}; or none."
        return super().get_help_record(ctx)


@click.command()
@click.argument("model", type=OUTPUT)
@catalogue_option
@interactions_option
@click.option("--test", type=ROWS, help="Held-out interactions of your own, in place of the model's split.")
@click.option(
    "--baselines",
    cls=_BaselinesOption,
    default="popularity",
    show_default=True,
    help="Comma-separated baselines for the same run, or none.",
)
@click.option("--against", type=INPUT, help="Another model to rank in the same run and to compare user by user.")
@click.option("--plots", type=OUTPUT, help="Folder for recall.png, slices.png and bias.png, model against baselines.")
@progress_option
@json_option
@pass_settings
@goes_on("Nothing was written. The same command begins again; texts that were encoded are kept in the cache.")
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
    from embedding.runs.evaluate import EvaluateRequest, run_evaluation, training_warnings

    request = EvaluateRequest(
        model=model,
        catalogue=catalogue,
        interactions=interactions,
        test=test,
        baselines=parse_baselines(baselines),
        against=against,
    )
    report = run_evaluation(request, settings, load_encoder, Reporter(progress))
    warn_of_rejects(report.rejects)
    for told in training_warnings(report, request):
        click.echo(f"Warning: {told}", err=True)
    if plots is not None:
        from embedding.runs.plots import draw_plots

        for path in draw_plots(report, plots):
            click.echo(f"Plot: {path}", err=True)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_report(report)


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
