"""What `nearfield import` reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import INPUT, OUTPUT, json_option, pass_settings, rejects_option, warn_of_rejects
from embedding.errors import UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


class _Format(click.ParamType[str]):
    """The name of an importer. Importers are loaded when one is asked for: readers take a while to import."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from embedding.importers.listens.registry import LISTEN_FORMATS
        from embedding.importers.registry import IMPORTERS

        if value in LISTEN_FORMATS:
            return value
        try:
            return IMPORTERS[value].name
        except UsageError as error:
            self.fail(f"{error}; or, of listens, one of {', '.join(LISTEN_FORMATS.names)}", param, ctx)


class _WithFormats(click.Command):
    """A command whose help lists all formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click names it
        """The name of each format, and what it is."""
        from embedding.importers.listens.registry import LISTEN_FORMATS
        from embedding.importers.registry import IMPORTERS

        with formatter.section("Formats"):
            formatter.write_dl([(importer.name, importer.about) for importer in IMPORTERS])
        with formatter.section("Formats of one user's listens (they need --catalogue and --user)"):
            formatter.write_dl([(of.name, of.about) for of in LISTEN_FORMATS])


@click.command(name="import", cls=_WithFormats)
@click.argument("format_", metavar="FORMAT", type=_Format())
@click.argument("source", metavar="SRC", type=OUTPUT)
@click.argument("folder", metavar="DIR", type=OUTPUT)
@click.option("--catalogue", type=INPUT, help="Of listens: the catalogue whose rows they are of.")
@click.option("--user", "user_id", metavar="ID", help="Of listens: the id of the user whose listens they are.")
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
    catalogue: Path | None,
    user_id: str | None,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Bring a public data set from the folder SRC into DIR/catalogue.jsonl and DIR/interactions.jsonl.

    Or one user's listens from the export SRC (a file, a folder or a zip file) into DIR/interactions.jsonl, each matched
    to a row of a catalogue; what is of no row goes to DIR/unmatched.jsonl.

    \b
    Example:
      nearfield import playlist_archive downloads/playlist_archive data
      nearfield import spotify_history my_spotify_data.zip listens --catalogue data/catalogue.jsonl --user anna
    """
    from embedding.importers.listens.registry import LISTEN_FORMATS

    if format_ in LISTEN_FORMATS:
        if catalogue is None or user_id is None:
            raise UsageError(f"{format_} has the listens of one user: --catalogue and --user are needed")
        _import_listens(settings, format_, source, folder, catalogue, user_id, rejects_path, progress, as_json)
        return
    if catalogue is not None or user_id is not None:
        raise UsageError(f"{format_} has a catalogue and users of its own: leave out --catalogue and --user")
    from embedding.importers.import_set import import_set
    from embedding.rows.rejects import Rejects, default_rejects_path

    with Rejects(rejects_path or default_rejects_path(settings.data_dir, Path(format_))) as rejects:
        done = import_set(format_, source, folder, rejects, settings.max_reject_share, Reporter(progress))
    for note in done.notes:
        click.echo(note, err=True)
    warn_of_rejects({str(rejects.path): rejects.rejected} if rejects.rejected else {})
    if as_json:
        counts = {"items": done.items, "interactions": done.interactions, "rejected": rejects.rejected}
        click.echo(msgspec.json.encode({**counts, "notes": done.notes, "folder": str(folder)}))
    elif done.interactions is None:
        click.echo(f"{done.items:,} items in {folder}; {format_} has no interactions.")
    else:
        click.echo(f"{done.items:,} items and {done.interactions:,} interactions in {folder}.")


def _import_listens(
    settings: EmbeddingSettings,
    format_: str,
    source: Path,
    folder: Path,
    catalogue: Path,
    user_id: str,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    from embedding.importers.import_job import INTERACTIONS
    from embedding.importers.listens.import_listens import UNMATCHED, import_listens
    from embedding.rows.rejects import Rejects, default_rejects_path

    with (
        Rejects(rejects_path or default_rejects_path(settings.data_dir, Path(format_))) as rejects,
        Rejects(default_rejects_path(settings.data_dir, catalogue)) as catalogue_rejects,
    ):
        done = import_listens(
            format_,
            source,
            folder,
            catalogue=catalogue,
            user_id=user_id,
            rejects=rejects,
            catalogue_rejects=catalogue_rejects,
            max_reject_share=settings.max_reject_share,
            reporter=Reporter(progress),
        )
    warn_of_rejects({str(bad.path): bad.rejected for bad in (rejects, catalogue_rejects) if bad.rejected})
    if as_json:
        click.echo(
            msgspec.json.encode({**msgspec.to_builtins(done), "rejected": rejects.rejected, "folder": str(folder)})
        )
        return
    by = ", ".join(f"{count:,} by {name}" for name, count in done.matched.items())
    click.echo(f"{done.interactions:,} interactions in {folder / INTERACTIONS} ({by}), {done.skips:,} of them skips.")
    if done.of_several:
        click.echo(f"{done.of_several:,} fit several rows: the one of the same album was taken, or the first by id.")
    for reason, count in done.unmatched.items():
        click.echo(f"{count:,} not matched: {reason}; see {folder / UNMATCHED}")
    for reason, count in done.left_out.items():
        click.echo(f"{count:,} left out: {reason}")
