"""What `nearfield sample` reads from the command line, and what it prints."""

from pathlib import Path

import click
import msgspec

from embedding.commands.options import OUTPUT, json_option


@click.command()
@click.argument("folder", metavar="DIR", type=OUTPUT)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed makes another catalogue.")
@json_option
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
