"""`nearfield index diff` and `nearfield index sync`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table

from embedding.commands.options import ROWS
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, Reporter, progress_option
from indexing.command_options import json_option, login_name, map_option, pass_settings, print_json
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.sync.effects import Effects
    from indexing.sync.run import Outcome

_KINDS = {
    "added": "new rows",
    "changed": "rows whose vectors change",
    "payload_changed": "rows that change otherwise",
    "removed": "rows that go",
    "unchanged": "rows as they were",
    "opened": "of these, opened to everywhere",
}
_SHOWN_EXAMPLES = 2


@click.command()
@click.argument("catalogue", type=ROWS)
@map_option
@json_option
@progress_option
@pass_settings
def diff(
    settings: IndexingSettings, catalogue: Path, map_path: Path | None, as_json: bool, progress: ProgressMode
) -> None:
    """Show what `index sync CATALOGUE` would change in what is live; writes nothing.

    \b
    Example:
      nearfield index diff catalogue.jsonl
    """
    from embedding.rows.column_map.row_parsers import rows_by
    from indexing.sync.run import run_diff

    outcome, effects = asyncio.run(run_diff(catalogue, settings, Reporter(progress), rows_by(map_path)))
    if as_json:
        print_json({**_as_json(outcome), "effects": effects})
        return
    console = Console()
    _print_counts(console, outcome)
    _print_effects(console, effects)


@click.command()
@click.argument("catalogue", type=ROWS)
@map_option
@json_option
@progress_option
@pass_settings
@goes_on("Each row that was changed by now is live and stays; the same command brings the rest.")
def sync(
    settings: IndexingSettings, catalogue: Path, map_path: Path | None, as_json: bool, progress: ProgressMode
) -> None:
    """Make what is live equal to CATALOGUE, by the rows that differ alone; a running service shows it at once.

    Refused, with nothing changed, where more rows would be removed, changed or opened than the settings allow.
    To undo it, sync the earlier catalogue.

    \b
    Example:
      nearfield index sync catalogue.jsonl
    """
    from embedding.rows.column_map.row_parsers import rows_by
    from indexing.releases.releases import Author
    from indexing.sync.run import compact_if_due, run_sync

    reporter = Reporter(progress)
    outcome = asyncio.run(run_sync(catalogue, settings, reporter, rows_by(map_path)))
    if not as_json:
        _print_counts(Console(), outcome)
        print(f"release {outcome.release}, revision {outcome.revision}", flush=True)
    # The change holds already: who stops this stops a tidying up that the next sync begins again.
    compacted = asyncio.run(compact_if_due(settings, reporter, Author(login_name(), "compaction after a sync")))
    if as_json:
        print_json({**_as_json(outcome), "compacted": compacted})
    elif compacted:
        print(f"{compacted} is live: the same rows, with an empty journal")


def _as_json(outcome: "Outcome") -> dict[str, object]:
    counts = asdict(outcome.diff)
    del counts["before"]
    return {"release": outcome.release, "revision": outcome.revision, **counts, "rejected": outcome.rejected}


def _print_counts(console: Console, outcome: "Outcome") -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("")
    table.add_column("such as")
    for kind, meaning in _KINDS.items():
        examples = ", ".join(outcome.diff.examples.get(kind, [])[:_SHOWN_EXAMPLES])
        table.add_row(f"{getattr(outcome.diff, kind):,}", meaning, examples)
    console.print(table)
    if outcome.rejected:
        console.print(f"Rejected {outcome.rejected:,} rows; see {outcome.rejects}.", highlight=False, markup=False)


def _print_effects(console: Console, effects: "Effects") -> None:
    if effects.moved is None:
        console.print("So many rows change that their effect on neighbours was not worked out.")
    elif effects.moved:
        table = Table(box=None, pad_edge=False)
        table.add_column("vector moved most", no_wrap=True)
        table.add_column("cosine to before", justify="right")
        for moved in effects.moved:
            table.add_row(moved.id, f"{moved.cosine:.3f}")
        console.print(table)
    if effects.kept_neighbours is not None:
        console.print(f"Of the nearest ten of 200 sampled items, {effects.kept_neighbours:.1%} stay.", highlight=False)
    changed = [market for market in effects.markets if market.before != market.after]
    if changed:
        table = Table(box=None, pad_edge=False)
        for heading in ("market", "open now", "after", ""):
            table.add_column(heading, justify="right" if heading in {"open now", "after"} else "left")
        for market in changed:
            short = "falls short" if market.short else ""
            table.add_row(market.market, f"{market.before:,}", f"{market.after:,}", short)
        console.print(table)
