"""What `nearfield import table` reads from the command line, and what it prints."""

import sys
from pathlib import Path
from typing import Literal

import click
import msgspec

from embedding.commands.options import OUTPUT, ROWS, json_option, map_option, pass_settings, rejects_option
from embedding.errors import UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


@click.command(name="table")
@click.argument("file", metavar="FILE", type=ROWS)
@click.argument("folder", metavar="DIR", type=OUTPUT)
@map_option
@click.option("--yes", is_flag=True, help="Import by the proposed map without asking.")
@click.option(
    "--delimiter", metavar="CHAR", help="What stands between the values of a CSV file; default: as its header."
)
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of a CSV file, such as cp1252.")
@click.option("--sheet", help="Sheet of a workbook; default: the only one that can be seen.")
@click.option("--header-row", type=click.IntRange(min=1), help="Row of the header in a workbook; default: the first.")
@click.option("--kind", type=click.Choice(["track", "episode"]), help="What the rows are, where columns do not tell.")
@click.option(
    "--dates",
    metavar="ORDER",
    help="day-first, month-first, year-first, or a format such as %d/%m/%Y, where the values do not tell.",
)
@click.option(
    "--duration-unit",
    type=click.Choice(["s", "ms", "min", "m:s", "h:m:s"]),
    help="Unit of the durations, where column and values do not tell.",
)
@rejects_option
@progress_option
@json_option
@pass_settings
@goes_on("Nothing was written. The same command begins again.")
def table(
    settings: EmbeddingSettings,
    file: Path,
    folder: Path,
    map_path: Path | None,
    yes: bool,
    delimiter: str | None,
    encoding: str,
    sheet: str | None,
    header_row: int | None,
    kind: Literal["track", "episode"] | None,
    dates: str | None,
    duration_unit: Literal["s", "ms", "min", "m:s", "h:m:s"] | None,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Bring a table with columns of its own (CSV, .xlsx) into DIR/catalogue.jsonl, and its map into DIR/map.toml.

    Without --map a map is proposed from the header and the values, and shown before anything is written. What they do
    not tell is asked for.

    \b
    Examples:
      nearfield import table tracks.csv data
      nearfield import table tracks.xlsx data --dates day-first --yes
      nearfield import table tracks.csv data --map map.toml
    """
    from embedding.importers.table.import_table import import_table
    from embedding.importers.table.proposal import Choices, propose
    from embedding.rows.column_map.declaration import load_map_text
    from embedding.rows.layout import Layout
    from embedding.rows.rejects import Rejects, default_rejects_path

    reporter = Reporter(progress)
    if map_path is None:
        try:
            layout = Layout(delimiter or ",", encoding, sheet, header_row)
        except ValueError as error:
            raise UsageError(str(error)) from None
        choices = Choices(layout=layout, delimiter=delimiter, dates=dates, duration_unit=duration_unit, kind=kind)
        text, name = propose(file, choices, reporter), "the proposed map"
        click.echo(text, nl=False, err=as_json)
        _accept(yes)
    else:
        text, name = load_map_text(map_path), str(map_path)
    with Rejects(rejects_path or default_rejects_path(settings.data_dir, file)) as rejects:
        num_items = import_table(file, folder, text, name, rejects, settings.max_reject_share, reporter)
    if rejects.rejected:
        click.echo(f"{rejects.rejected:,} rows were not taken; see {rejects.path}", err=True)
    if as_json:
        click.echo(msgspec.json.encode({"items": num_items, "rejected": rejects.rejected, "folder": str(folder)}))
    else:
        click.echo(f"{num_items:,} items in {folder}.")


def _accept(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "Nothing was written. Accept this map with --yes, or save it, change it and give it with --map."
        )
    click.confirm("Import by this map?", abort=True, err=True)
