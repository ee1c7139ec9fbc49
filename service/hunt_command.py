"""The command `nearfield rules hunt`, which hands the hunt the application that it is to hunt in."""

import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from embedding.commands.options import ROWS
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from service.schemas.settings import Settings

_pass_settings = click.make_pass_decorator(Settings)


@click.command()
@click.argument("catalogue", type=ROWS)
@click.option(
    "--pairs", type=click.IntRange(1), default=100_000, show_default=True, help="How many (item, context) pairs."
)
@click.option("--url", help="Ask the service at http://HOST:PORT. Left out: open the releases of this folder.")
@click.option("--release", help="Hunt in this release, by the CATALOGUE that it was built from. Left out: the live.")
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The rules in force there. Left out: those accepted in this folder.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed draws the same contexts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@progress_option
@_pass_settings
@goes_on("The same command begins again, with the same contexts.")
def hunt(
    settings: Settings,
    catalogue: Path,
    pairs: int,
    url: str | None,
    release: str | None,
    rules_file: Path | None,
    seed: int,
    as_json: bool,
    progress: ProgressMode,
) -> None:
    """Hunt for leaks: items of CATALOGUE that are shown to somebody whom the rules forbid them.

    Asks every route under contexts drawn where the rules change their mind (a second before a window opens, an age
    below a minimum, a language's prefix), and compares item by item with a plain reading of the catalogue file and of
    the rules file that shares nothing with what it checks. Permitted items that are missing where all had to come
    are wrong too. Exit code 1 where anything is.

    \b
    Example:
      nearfield rules hunt catalogue.jsonl --pairs 1000000
      nearfield rules hunt catalogue.jsonl --url http://127.0.0.1:8080
    """
    from service.app import create_app
    from service.hunt.opened import HuntedService, hunt_from_settings
    from service.hunt.report import as_object, as_table, summary
    from service.main import open_dependencies

    def open_service() -> HuntedService:
        opened = open_dependencies(settings)
        return HuntedService(
            app=create_app(opened),
            store=opened.store,
            live=opened.live,
            held=opened.held,
            load_encoder=opened.encoder.load_now,
        )

    done = hunt_from_settings(
        catalogue,
        settings,
        open_service,
        url=url,
        release=release,
        rules_file=rules_file,
        pairs=pairs,
        seed=seed,
        reporter=Reporter(progress),
    )
    if as_json:
        click.echo(msgspec.json.encode(as_object(done)))
    else:
        Console().print(as_table(done))
        for line in summary(done):
            click.echo(line)
    if done.tally.wrong:
        sys.exit(1)
