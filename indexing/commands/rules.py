"""The `nearfield rules` commands: write out the packaged rules, check a file before it is proposed, ask why."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from embedding.commands.options import ROWS
from embedding.errors import UsageError
from embedding.rows.markets import MARKETS, expected_market
from embedding.rows.times import EXPECTED_TIME, epoch_us
from indexing.command_options import json_option, pass_settings, print_json
from indexing.commands.accept_rules import accept
from indexing.rules.declaration import rules_version
from indexing.rules.parsing import DEFAULT_RULES_TEXT
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.commands.explain_rules import Explanation
    from indexing.rules.dry_run import DryRun


@click.group()
def rules() -> None:
    """Rules of the catalogue: who may be shown what."""


@rules.command()
@click.argument("file", type=click.Path(path_type=Path), default="rules.toml")
def init(file: Path) -> None:
    """Write the packaged rules to FILE (rules.toml), to be edited; a file that is there is left alone.

    \b
    Example:
      nearfield rules init
    """
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(DEFAULT_RULES_TEXT)
    except FileExistsError:
        raise UsageError(f"{file} is there already: expected a name that is free. Remove it, or name another") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} written. Edit it, then: nearfield rules check {file}")


@rules.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--catalogue", type=ROWS, help="Try the rules on this catalogue: what each keeps out, per market.")
@click.option("--market", "markets", multiple=True, metavar="CODE", help="Of these markets alone; may come again.")
@click.option("--at", metavar="TIME", help="For this time; left out: now.")
@click.option("--least", type=click.IntRange(0), default=100, show_default=True, help="Name markets left with fewer.")
@json_option
def check(
    file: Path, catalogue: Path | None, markets: tuple[str, ...], at: str | None, least: int, as_json: bool
) -> None:
    """Say whether FILE can be taken, its version, and what each of its tables means.

    With --catalogue, also how many items each rule keeps out by itself in each market, for a request that says
    nothing else, and how many all of them leave. Nothing is put in force.

    \b
    Examples:
      nearfield rules check rules.toml
      nearfield rules check rules.toml --catalogue catalogue.jsonl --market SE --market GB
    """
    from indexing.rules.descriptions import descriptions_of
    from indexing.rules.dry_run import dry_run
    from indexing.rules.reading import read_rules

    ruleset, _ = read_rules(file)
    version, descriptions = rules_version(ruleset), descriptions_of(ruleset)
    at_s = _time(at)
    for market in markets:
        _check_market(market)
    run = None if catalogue is None else dry_run(ruleset, catalogue, at_s, markets)
    short = [] if run is None else [one.market for one in run.markets if one.left < least]
    if as_json:
        print_json({"version": version, "tables": descriptions, "dry_run": run, "short_markets": short})
        return
    click.echo(f"{file} can be taken: version {version}")
    width = max(map(len, descriptions)) + 2
    for table, text in descriptions.items():
        click.echo(f"  {f'[{table}]'.ljust(width)}  {text}")
    if run is not None:
        _print_run(run, short, least)


@rules.command()
@click.argument("items", nargs=-1, required=True, metavar="ITEM...")
@click.option("--market", required=True, metavar="CODE", help="The market that asks.")
@click.option("--at", metavar="TIME", help="RFC 3339 or a date; left out: now.")
@click.option("--age", type=click.IntRange(0, 150), help="The listener's age; left out: below every minimum.")
@click.option("--explicit/--no-explicit", default=True, help="Whether explicit items are wanted.")
@click.option("--language", "languages", multiple=True, metavar="RANGE", help="A language wanted; may come again.")
@json_option
@pass_settings
def explain(
    settings: IndexingSettings,
    items: tuple[str, ...],
    market: str,
    at: str | None,
    age: int | None,
    explicit: bool,
    languages: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say of each ITEM of the live release what every hard rule in force says of it.

    \b
    Examples:
      nearfield rules explain track-0002 --market SE
      nearfield rules explain track-0002 episode-0035 --market JP --at 2026-12-24 --age 15
    """
    from indexing.commands.explain_rules import explain as ask
    from indexing.rules.context import RequestContext

    _check_market(market)
    for language in languages:
        _check_language(language)
    context = RequestContext(
        market=market, at_s=_time(at), explicit=explicit, age=age, languages=frozenset(languages) or None
    )
    found = asyncio.run(ask(settings, items, context))
    if as_json:
        print_json(found)
        return
    _print_explanation(found, context.market)


def _time(at: str | None) -> int:
    if at is None:
        return int(time.time())
    try:
        return epoch_us(at) // 1_000_000
    except ValueError as error:
        raise UsageError(f"--at: expected {EXPECTED_TIME}, {at!r} came") from error


def _check_market(market: str) -> None:
    if market not in MARKETS:
        raise UsageError(f"--market: expected {expected_market(market)}, {market!r} came")


def _check_language(text: str) -> None:
    # The registry of languages takes a tenth of a second to read.
    from embedding.rows.languages import expected_range, is_language_range

    if not is_language_range(text):
        raise UsageError(f"--language: expected {expected_range(text)}, {text!r} came")


def _print_run(run: "DryRun", short: list[str], least: int) -> None:
    console = Console()
    names = list(dict.fromkeys(rule for one in run.markets for rule in one.removed))
    table = Table(box=None, pad_edge=False)
    for heading in ("market", *names, "left"):
        table.add_column(heading, justify="left" if heading == "market" else "right", no_wrap=True)
    for one in run.markets:
        table.add_row(one.market, *(f"{one.removed.get(name, 0):,}" for name in names), f"{one.left:,}")
    click.echo(f"\n{run.items:,} items, {run.rejected:,} rows rejected. What each rule keeps out by itself:")
    console.print(table)
    for field, having in run.extra.items():
        click.echo(f"{field}: {having:,} of {run.items:,} items have it")
    for told in run.unmatched:
        click.echo(f"{told}: no item has it", err=True)
    if short:
        click.echo(f"Left with fewer than {least:,} items: {', '.join(short)}", err=True)


def _print_explanation(found: "Explanation", market: str) -> None:
    for item in found.items:
        if not item.found:
            click.echo(f"{item.id}: release {found.release} has no such item")
            continue
        verdict = "taken down" if item.taken_down else "may be shown" if item.shown else "is kept out"
        click.echo(f"{item.id}: {verdict} in {market}")
        width = max(map(len, item.rules))
        for rule, passes in item.rules.items():
            click.echo(f"  {rule.ljust(width)}  {'lets it pass' if passes else 'keeps it out'}")


rules.add_command(accept)
