"""The command `nearfield search-eval`, which hands the evaluation the service that it asks."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import msgspec
from rich.console import Console

from embedding.commands.options import OUTPUT, ROWS
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.rows.rejects import default_rejects_path
from service.schemas.settings import Settings

if TYPE_CHECKING:
    from service.evaluation.asking import SearchReport
    from service.evaluation.questions import Question
    from service.workers.asgi import App

_pass_settings = click.make_pass_decorator(Settings)
_SHOWN = 5


@click.command("search-eval")
@click.argument("file", type=ROWS)
@click.option("--url", help="Ask the service at http://HOST:PORT. Left out: open the live release of this folder.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(("semantic", "lexical", "hybrid", "tower")),
    default=("semantic", "lexical", "hybrid"),
    show_default=True,
    help="A mode of search to ask in; may be given several times.",
)
@click.option("--plots", type=OUTPUT, help="Folder for search.png: each measure by mode, with its interval.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@progress_option
@_pass_settings
@goes_on("Nothing was written. The same command begins again.")
def search_eval(
    settings: Settings,
    file: Path,
    url: str | None,
    modes: tuple[str, ...],
    plots: Path | None,
    as_json: bool,
    progress: ProgressMode,
) -> None:
    """Ask the questions of FILE in each mode of search, and say how well what they want is found.

    FILE has a question a line: `query`, and the ids that should be found, as a list `wanted` or as an object `grades`;
    `languages` or a whole `context`, if any (docs/relevance.md). Recall, reciprocal rank and discounted gain of the
    first ten hits, each with the bounds within which its mean lies in 95 of 100 draws of as many questions.

    \b
    Example:
      nearfield search-eval questions.jsonl
      nearfield search-eval questions.csv --url http://127.0.0.1:8080 --mode hybrid
    """
    from service.evaluation.asking import evaluate_search
    from service.evaluation.questions import read_questions
    from service.workers.products import AtAddress

    questions = read_questions(file, default_rejects_path(settings.data_dir, file))
    reporter = Reporter(progress)
    modes = tuple(dict.fromkeys(modes))
    if url is None:
        report = _in_process(settings, questions, modes, reporter)
    else:
        report = asyncio.run(evaluate_search(AtAddress(url), questions, modes, reporter))
    for path in () if plots is None else _plots(report, plots):
        click.echo(f"Plot: {path}", err=True)
    if report.unknown:
        some = ", ".join(report.unknown[:_SHOWN]) + (", …" if len(report.unknown) > _SHOWN else "")
        click.echo(
            f"Warning: {len(report.unknown):,} of {report.wanted:,} wanted ids are not in release {report.release}, "
            f"and count as not found: {some}",
            err=True,
        )
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report)


def _in_process(
    settings: Settings, questions: "list[Question]", modes: tuple[str, ...], reporter: Reporter
) -> "SearchReport":
    from service.app import create_app
    from service.evaluation.asking import evaluate_search
    from service.main import open_dependencies
    from service.workers.products import InProcess, running

    # Outside of any loop: it asks the store which release is live in one of its own.
    opened = open_dependencies(settings)
    app = create_app(opened)

    async def ask() -> "SearchReport":
        async with running(app):
            if opened.live.release.has_text:
                await asyncio.to_thread(opened.encoder.load_now)
            return await evaluate_search(InProcess(cast("App", app)), questions, modes, reporter)

    with asyncio.Runner() as runner:
        return runner.run(ask())


def _plots(report: "SearchReport", folder: Path) -> list[Path]:
    from service.evaluation.plots import draw_plots

    return draw_plots(report, folder)


def _print(report: "SearchReport") -> None:
    from service.evaluation.report import as_table

    Console().print(as_table(report))
