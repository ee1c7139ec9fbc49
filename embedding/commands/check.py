"""What `nearfield check` reads from the command line, and what it prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from embedding.commands.options import RowFiles, json_option, map_option, pass_settings, rejects_option
from embedding.errors import RejectedInputError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from embedding.settings import EmbeddingSettings

if TYPE_CHECKING:
    from embedding.rows.check_rows import Checked
    from embedding.rows.rejects import Reject, Rejects

EXIT_REJECTS = 3
# Where nothing is, the check itself says so.
_MAYBE_ROWS = RowFiles(path_type=Path)


@click.command()
@click.argument("catalogue", type=_MAYBE_ROWS)
@click.option(
    "--interactions", type=_MAYBE_ROWS, help="Interactions to check against the catalogue: a file or a folder."
)
@map_option
@rejects_option
@progress_option
@json_option
@pass_settings
@goes_on("The rows after this were not looked at. The same command begins again.")
def check(
    settings: EmbeddingSettings,
    catalogue: Path,
    interactions: Path | None,
    map_path: Path | None,
    rejects_path: Path | None,
    progress: ProgressMode,
    as_json: bool,
) -> None:
    """List all faults of every bad row of a catalogue (and of interactions).

    One line a fault: file, line, field, what was expected, what came.

    Leaves with 0 if every row is good, 3 if there were rejects, 1 if a file cannot be taken as a whole.

    \b
    Example:
      nearfield check data/catalogue.jsonl --interactions data/interactions.jsonl
    """
    from embedding.rows.check_rows import check_rows
    from embedding.rows.column_map.row_parsers import rows_by
    from embedding.rows.rejects import Rejects, default_rejects_path

    with Rejects(rejects_path or default_rejects_path(settings.data_dir, catalogue)) as rejects:
        checked = check_rows(catalogue, interactions, rejects, Reporter(progress), rows_by(map_path))
    if as_json:
        click.echo(msgspec.json.encode(checked.summary(rejects)))
    else:
        _print_checked(checked, rejects)
    if checked.failures:
        raise RejectedInputError("; ".join(checked.failures))
    if rejects.rejected:
        click.get_current_context().exit(EXIT_REJECTS)


def _print_checked(checked: "Checked", rejects: "Rejects") -> None:
    for line in _aligned(rejects.first):
        click.echo(line)
    if rejects.num_faults > len(rejects.first):
        click.echo(f"and {rejects.num_faults - len(rejects.first):,} more in {rejects.path}")
    for name, counts in checked.counts.items():
        num_read = counts.accepted + counts.rejected
        # Of what took less than a second, a rate tells nothing.
        rate = f", {counts.rows_per_s:,.0f} rows/s" if num_read >= counts.rows_per_s > 0 else ""
        click.echo(f"{name}: {num_read:,} rows read, {counts.accepted:,} accepted, {counts.rejected:,} rejected{rate}")
    if rejects.rejected:
        click.echo(f"rejects: {rejects.path}")


def _aligned(rejects: Sequence["Reject"]) -> list[str]:
    """One line a fault: place, field, what was expected and what came, the first two in columns."""
    places = [reject.file if reject.line is None else f"{reject.file}:{reject.line}" for reject in rejects]
    fields = [reject.field or "(row)" for reject in rejects]
    place_width = max(map(len, places), default=0)
    field_width = min(28, max(map(len, fields), default=0))
    return [
        f"{place:<{place_width}}  {field:<{field_width}}  expected {reject.expected}, came {reject.came}"
        for place, field, reject in zip(places, fields, rejects, strict=True)
    ]
