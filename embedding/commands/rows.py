"""What `nearfield check`, `sample` and `import` read from the command line, and what they print."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from embedding.errors import RejectedInputError, UsageError
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings

if TYPE_CHECKING:
    from embedding.rows.check_rows import Checked
    from embedding.rows.rejects import Reject, Rejects

EXIT_REJECTS = 3

_settings = click.make_pass_decorator(EmbeddingSettings)
_PATH = click.Path(path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
_rejects = click.option(
    "--rejects", "rejects_path", type=_PATH, help="File for bad rows; default: .nearfield/rejects/NAME.rejects.jsonl."
)


@click.command()
@click.argument("catalogue", type=_PATH)
@click.option("--interactions", type=_PATH, help="Interactions to check against the catalogue: a file or a folder.")
@_rejects
@progress_option
@_json
@_settings
def check(
    settings: EmbeddingSettings,
    catalogue: Path,
    interactions: Path | None,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """List every bad row of a catalogue (and of interactions): file, line, field, what was expected, what came.

    Leaves with 0 if every row is good, 3 if there were rejects, 1 if a file cannot be taken as a whole.

    \b
    Example:
      nearfield check data/catalogue.jsonl --interactions data/interactions.jsonl
    """
    from embedding.rows.check_rows import check_rows
    from embedding.rows.rejects import Rejects, default_rejects_path

    with Rejects(rejects_path or default_rejects_path(settings.data_dir, catalogue)) as rejects:
        checked = check_rows(catalogue, interactions, rejects, Reporter(progress))
    if as_json:
        click.echo(msgspec.json.encode(checked.summary(rejects)))
    else:
        _print_checked(checked, rejects)
    if checked.failures:
        raise RejectedInputError("; ".join(checked.failures))
    if rejects.rejected:
        click.get_current_context().exit(EXIT_REJECTS)


@click.command()
@click.argument("folder", metavar="DIR", type=_PATH)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed makes another catalogue.")
@_json
def sample(folder: Path, seed: int, as_json: bool) -> None:
    """Write a made-up catalogue and interactions to try things on: 2,000 items, 1,200 users, six markets.

    In a folder without nearfield.toml, one is written that sets default_market.

    \b
    Example:
      nearfield sample data
    """
    from embedding.sample.sample import DEFAULT_MARKET, write_sample
    from embedding.sample.settings_file import SETTINGS_FILE, set_default_market

    made = write_sample(folder, seed)
    market_set = set_default_market(Path(), DEFAULT_MARKET)
    users = len({row.user_id for row in made.interactions})
    if as_json:
        counts = {"items": len(made.items), "interactions": len(made.interactions), "users": users}
        click.echo(msgspec.json.encode({**counts, "seed": seed, "folder": str(folder)}))
    else:
        click.echo(
            f"{len(made.items):,} made-up items and {len(made.interactions):,} interactions of {users:,} users"
            f" in {folder}."
        )
    if market_set:
        click.echo(f"{SETTINGS_FILE}: default_market is {DEFAULT_MARKET}.", err=True)
    else:
        click.echo(
            f"{SETTINGS_FILE} is there and was left as it is; the sample's market is {DEFAULT_MARKET}.", err=True
        )


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
@click.argument("source", metavar="SRC", type=_PATH)
@click.argument("folder", metavar="DIR", type=_PATH)
@_rejects
@progress_option
@_json
@_settings
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


def _print_checked(checked: "Checked", rejects: "Rejects") -> None:
    for line in _aligned(rejects.first):
        click.echo(line)
    if rejects.rejected > len(rejects.first):
        click.echo(f"and {rejects.rejected - len(rejects.first):,} more in {rejects.path}")
    for name, counts in checked.counts.items():
        click.echo(
            f"{name}: {counts.accepted + counts.rejected:,} rows read, {counts.accepted:,} accepted,"
            f" {counts.rejected:,} rejected"
        )
    if rejects.rejected:
        click.echo(f"rejects: {rejects.path}")


def _aligned(rejects: Sequence["Reject"]) -> list[str]:
    """One line a reject: place, field, what was expected and what came, the first two in columns."""
    places = [reject.file if reject.line is None else f"{reject.file}:{reject.line}" for reject in rejects]
    fields = [reject.field or "(row)" for reject in rejects]
    place_width = max(map(len, places), default=0)
    field_width = min(28, max(map(len, fields), default=0))
    return [
        f"{place:<{place_width}}  {field:<{field_width}}  expected {reject.expected}, came {reject.came}"
        for place, field, reject in zip(places, fields, rejects, strict=True)
    ]
