"""`nearfield import`: one command for each format; public data sets share one, what they read and what they print."""

from pathlib import Path

import click
import msgspec

from embedding.commands.import_listens import listens_command
from embedding.commands.import_rss import rss
from embedding.commands.import_table import table
from embedding.commands.options import OUTPUT, json_option, pass_settings, rejects_option, warn_of_rejects
from embedding.errors import UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


class _Formats(click.Group):
    """The formats with a command of their own, then exports of listens, then the data sets.

    Importers of the latter two are loaded when one is asked for: readers take a while to import.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click names it
        """All formats, as help lists them."""
        from embedding.importers.listens.registry import LISTEN_FORMATS
        from embedding.importers.registry import IMPORTERS

        return [*self.commands, *LISTEN_FORMATS.names, *IMPORTERS.names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a format; the error for an unknown one names the nearest."""
        from embedding.importers.listens.registry import LISTEN_FORMATS
        from embedding.importers.registry import IMPORTERS

        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in LISTEN_FORMATS:
            return listens_command(cmd_name, LISTEN_FORMATS[cmd_name].about)
        try:
            importer = IMPORTERS[cmd_name]
        except UsageError as error:
            ctx.fail(f"{error}; other formats: {', '.join([*self.commands, *LISTEN_FORMATS.names])}")
        return _data_set(importer.name, importer.about)


@click.group(name="import", cls=_Formats, subcommand_metavar="FORMAT SRC DIR")
def import_() -> None:
    """Bring podcasts from their feeds, a spreadsheet, a user's listens or a public data set into files of rows in DIR.

    \b
    Examples:
      nearfield import rss https://example.com/feed.xml podcasts
      nearfield import table tracks.csv data
      nearfield import spotify_history my_spotify_data.zip listens --catalogue data/catalogue.jsonl --user u-17
      nearfield import playlist_archive downloads/playlist_archive data
    """


import_.add_command(rss)
import_.add_command(table)


def _data_set(name: str, about: str) -> click.Command:
    """The command that imports the data set `name`."""

    help_text = f"{about}\n\n\b\nExample:\n  nearfield import {name} downloads/{name} data"

    @click.command(name=name, help=help_text)
    @click.argument("source", metavar="SRC", type=OUTPUT)
    @click.argument("folder", metavar="DIR", type=OUTPUT)
    @rejects_option
    @progress_option
    @json_option
    @pass_settings
    @goes_on("Nothing was written. The same command begins again.")
    def import_one(
        settings: EmbeddingSettings,
        source: Path,
        folder: Path,
        rejects_path: Path | None,
        progress: ProgressMode,
        as_json: bool,
    ) -> None:
        from embedding.importers.import_set import import_set
        from embedding.rows.rejects import Rejects, default_rejects_path

        with Rejects(rejects_path or default_rejects_path(settings.data_dir, Path(name))) as rejects:
            done = import_set(name, source, folder, rejects, settings.max_reject_share, Reporter(progress))
        for note in done.notes:
            click.echo(note, err=True)
        warn_of_rejects({str(rejects.path): rejects.rejected} if rejects.rejected else {})
        if as_json:
            counts = {"items": done.items, "interactions": done.interactions, "rejected": rejects.rejected}
            click.echo(msgspec.json.encode({**counts, "notes": done.notes, "folder": str(folder)}))
        elif done.interactions is None:
            click.echo(f"{done.items:,} items in {folder}; {name} has no interactions.")
        else:
            click.echo(f"{done.items:,} items and {done.interactions:,} interactions in {folder}.")

    return import_one
