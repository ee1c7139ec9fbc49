"""The command `nearfield index doctor`."""

import asyncio
from pathlib import Path

import click
import msgspec
from rich.console import Console

from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from indexing.command_options import json_option, pass_settings
from indexing.settings import IndexingSettings


@click.command()
@click.argument("release", required=False)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw all plans tried, as PNG or SVG.")
@json_option
@progress_option
@pass_settings
@goes_on("The plans are as they were. The same command measures again.")
def doctor(
    settings: IndexingSettings, release: str | None, plot: Path | None, as_json: bool, progress: ProgressMode
) -> None:
    """Measure how each shape of request is best answered from RELEASE (left out: the live one), and keep the plans.

    A shape is the fields that rules have conditions on, and the band of the share that passes. Each gets the
    cheapest plan that finds 99 of 100. A running service takes the plans up within a second.

    \b
    Example:
      nearfield index doctor --plot plans.png
    """
    from indexing.doctor.report import always, as_object, as_table
    from indexing.doctor.run import doctor_from_settings
    from indexing.errors import GateError

    plans = asyncio.run(doctor_from_settings(release, settings, Reporter(progress)))
    if plot is not None:
        from indexing.doctor.plot import plot_plans

        plot_plans(plans, plot)
    if as_json:
        click.echo(msgspec.json.encode(as_object(plans)))
    else:
        console = Console()
        console.print(
            f"{plans.release} under rules {plans.rules_version}; every shape has conditions on "
            f"{', '.join(always(plans)) or 'nothing'}.",
            highlight=False,
            soft_wrap=True,
        )
        console.print(as_table(plans))
    if plans.leaks:
        raise GateError(
            f"The engine gave {plans.leaks} hits of release {plans.release} that the rules forbid, 0 are allowed; no "
            "plan was changed. The service stops such hits, but the index is wrong: build again, or roll back."
        )
