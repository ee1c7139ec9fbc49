"""`nearfield import` of one user's listens: what it reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import OUTPUT, ROWS, json_option, pass_settings, rejects_option, warn_of_rejects
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings

_HELP = """{about}

One user's listens from the export SRC (a file, a folder or a zip file) into DIR/interactions.jsonl, each matched to a
row of a catalogue; what is of no row goes to DIR/unmatched.jsonl.

\b
Example:
  nearfield import {name} export.zip listens --catalogue data/catalogue.jsonl --user u-17"""


def listens_command(name: str, about: str) -> click.Command:
    """The command that imports exports of the format `name`."""

    @click.command(name=name, help=_HELP.format(name=name, about=about))
    @click.argument("source", metavar="SRC", type=OUTPUT)
    @click.argument("folder", metavar="DIR", type=OUTPUT)
    @click.option("--catalogue", type=ROWS, required=True, help="The catalogue whose rows they are of.")
    @click.option("--user", "user_id", metavar="ID", required=True, help="The id of the user whose listens they are.")
    @rejects_option
    @progress_option
    @json_option
    @pass_settings
    @goes_on("Nothing was written. The same command begins again.")
    def import_export(
        settings: EmbeddingSettings,
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
            Rejects(rejects_path or default_rejects_path(settings.data_dir, Path(name))) as rejects,
            Rejects(default_rejects_path(settings.data_dir, catalogue)) as catalogue_rejects,
        ):
            done = import_listens(
                name,
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
            told = {**msgspec.to_builtins(done), "rejected": rejects.rejected, "folder": str(folder)}
            click.echo(msgspec.json.encode(told))
            return
        by = ", ".join(f"{count:,} by {way}" for way, count in done.matched.items())
        click.echo(
            f"{done.interactions:,} interactions in {folder / INTERACTIONS} ({by}), {done.skips:,} of them skips."
        )
        if done.of_several:
            click.echo(
                f"{done.of_several:,} fit several rows: the one of the same album was taken, or the first by id."
            )
        for reason, count in done.unmatched.items():
            click.echo(f"{count:,} not matched: {reason}; see {folder / UNMATCHED}")
        for reason, count in done.left_out.items():
            click.echo(f"{count:,} left out: {reason}")

    return import_export
