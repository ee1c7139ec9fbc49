"""What `nearfield import rss` reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import json_option, pass_settings, rejects_option
from embedding.errors import UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings


@click.command(name="rss")
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.argument("folder", metavar="DIR")
@click.option(
    "--remove-missing",
    is_flag=True,
    help="Remove episodes that are no longer in their feed. Without it they stay: hosts cut feeds to their newest.",
)
@click.option("--allow-local", is_flag=True, help="Let addresses of this machine and its network be asked.")
@rejects_option
@progress_option
@json_option
@pass_settings
@goes_on("Nothing was written. The same command begins again.")
def rss(
    settings: EmbeddingSettings,
    sources: tuple[str, ...],
    folder: str,
    remove_missing: bool,
    allow_local: bool,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """Bring podcasts from their feeds (RSS 2.0, Atom) into DIR/catalogue.jsonl, and keep it up to date.

    SRC is an address, a file, a folder of files, or an OPML that lists feeds. Run again with the same DIR, only what is
    new or changed is fetched; the catalogue always holds all episodes, also those that have left their feed.

    \b
    Examples:
      nearfield import rss https://example.com/feed.xml podcasts
      nearfield import rss subscriptions.opml podcasts && nearfield index sync podcasts/catalogue.jsonl
    """
    from embedding.importers.rss.import_feeds import import_feeds
    from embedding.importers.rss.show import is_address
    from embedding.rows.rejects import Rejects, default_rejects_path

    if is_address(folder):
        raise UsageError(f"expected DIR, the folder of the catalogue, behind all SRC, came the address {folder}")
    with Rejects(rejects_path or default_rejects_path(settings.data_dir, Path("rss"))) as rejects:
        done = import_feeds(
            sources,
            Path(folder),
            rejects,
            settings.max_reject_share,
            Reporter(progress),
            remove_missing=remove_missing,
            allow_local=allow_local,
        )
    for note in done.notes:
        click.echo(note, err=True)
    if rejects.rejected:
        click.echo(f"{rejects.rejected:,} episodes were not taken; see {rejects.path}", err=True)
    if as_json:
        counts = msgspec.structs.asdict(done)
        click.echo(msgspec.json.encode({**counts, "rejected": rejects.rejected, "folder": folder}))
        return
    click.echo(
        f"{done.items:,} episodes in {folder}: {done.added:,} new, {done.removed:,} removed."
        f" Feeds: {done.feeds_read:,} read, {done.feeds_unchanged:,} unchanged, {done.feeds_failed:,} failed."
    )
