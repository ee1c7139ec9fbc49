"""What `nearfield import` reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import OUTPUT, json_option, pass_settings, rejects_option
from embedding.errors import UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


class _Format(click.ParamType[str]):
    """The name of an importer. Importers are loaded when one is asked for: readers take a while to import."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from embedding.importers.registry import IMPORTERS

        try:
            return IMPORTERS[value].name
        except UsageError as error:
            self.fail(str(error), param, ctx)


class _WithFormats(click.Command):
    """A command whose help lists all formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click names it
        """The name of each format, and what it is."""
        from embedding.importers.registry import IMPORTERS

        with formatter.section("Formats"):
            formatter.write_dl([(importer.name, importer.about) for importer in IMPORTERS])


@click.command(name="import", cls=_WithFormats)
@click.argument("format_", metavar="FORMAT", type=_Format())
@click.argument("source", metavar="SRC", type=OUTPUT)
@click.argument("folder", metavar="DIR", type=OUTPUT)
@rejects_option
@progress_option
@json_option
@pass_settings
@goes_on("Nothing was written. The same command begins again.")
def import_(
    settings: EmbeddingSettings,
    format_: str,
    source: Path,
    folder: Path,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Bring a public data set from the folder SRC into DIR/catalogue.jsonl and DIR/interactions.jsonl.

    \b
    Example:
      nearfield import playlist_archive downloads/playlist_archive data
    """
    from embedding.importers.import_set import import_set
    from embedding.rows.rejects import Rejects, default_rejects_path

    with Rejects(rejects_path or default_rejects_path(settings.data_dir, Path(format_))) as rejects:
        done = import_set(format_, source, folder, rejects, settings.max_reject_share, Reporter(progress))
    for note in done.notes:
        click.echo(note, err=True)
    if rejects.rejected:
        click.echo(f"{rejects.rejected:,} rows were not taken; see {rejects.path}", err=True)
    if as_json:
        counts = {"items": done.items, "interactions": done.interactions, "rejected": rejects.rejected}
        click.echo(msgspec.json.encode({**counts, "notes": done.notes, "folder": str(folder)}))
    elif done.interactions is None:
        click.echo(f"{done.items:,} items in {folder}; {format_} has no interactions.")
    else:
        click.echo(f"{done.items:,} items and {done.interactions:,} interactions in {folder}.")
