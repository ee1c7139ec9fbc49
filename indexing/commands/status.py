"""The command `nearfield index status`."""

import asyncio
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from indexing.command_options import json_option, pass_settings, print_json
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.releases.status import Status


@click.command()
@json_option
@pass_settings
def status(settings: IndexingSettings, as_json: bool) -> None:
    """Show the releases, which one is live, and what changed since it was built.

    \b
    Example:
      nearfield index status --json
    """
    from indexing.releases.retention import size_of
    from indexing.releases.status import status_of
    from indexing.releases.workspace import open_workspace

    async def look() -> "Status":
        async with open_workspace(settings) as workspace:
            return await status_of(workspace)

    found = asyncio.run(look())
    if as_json:
        print_json(found)
        return
    console = Console()
    sizes = {one.id: size_of(settings.data_dir / "releases" / one.id) for one in found.releases}
    console.print(
        _table(found, sizes) if found.releases else "No release yet: run `nearfield index build CATALOGUE --activate`."
    )
    _print_lines(console, found)


def _table(found: "Status", sizes: dict[str, int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("release", "built, UTC", "points", "MB", "by", "content", ""):
        table.add_column(heading, justify="right" if heading in {"points", "MB"} else "left", no_wrap=True)
    compacted = {older for one in found.releases for older in one.lineage}
    for one in found.releases:
        marks = ["live"] * (one.id == found.live) + ["forced"] * bool(one.gate.forced)
        marks += ["compacted"] * (one.id in compacted)
        points, megabytes = f"{one.counts.points:,}", f"{sizes[one.id] / 1e6:,.0f}"
        built = one.created_at[:16].replace("T", " ")
        table.add_row(one.id, built, points, megabytes, one.space, one.content[:8], ", ".join(marks))
    return table


def _print_lines(console: Console, found: "Status") -> None:
    def say(text: str, style: str | None = None) -> None:
        console.print(text, highlight=False, markup=False, style=style)

    say(f"rules {found.rules}" + (f" ({found.rules_refused})" if found.rules_refused else ""))
    if found.journal is not None:
        journal = found.journal
        say(f"journal: {journal.rows:,} rows changed since ({journal.share:.1%}), {journal.taken_down:,} taken down")
    if found.trouble is not None:
        say(found.trouble, "red")
    if found.at_work is not None:
        say(f"a build, a compaction or a sync is running: {found.at_work}")
    for name in found.unfinished if found.at_work is None else ():
        say(f"{name} is unfinished: the next build of the same inputs goes on with it, one of others removes it.")
    for name, reason in found.damaged.items():
        say(f"{name} is damaged: {reason}", "red")
