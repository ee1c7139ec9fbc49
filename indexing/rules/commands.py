"""The `nearfield rules` commands: write out the packaged rules, check a file before it is proposed."""

from pathlib import Path

import click
import msgspec

from embedding.errors import UsageError
from indexing.rules.declaration import DEFAULT_RULES_TEXT, RuleSet, rules_version


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def check(file: Path, as_json: bool) -> None:
    """Say whether FILE can be taken, its version, and what each of its tables means.

    \b
    Example:
      nearfield rules check rules.toml
    """
    from indexing.rules.accepted import read_rules

    ruleset, _ = read_rules(file)
    version, meaning = rules_version(ruleset), meaning_of(ruleset)
    if as_json:
        click.echo(msgspec.json.encode({"version": version, "tables": meaning}).decode())
        return
    click.echo(f"{file} can be taken: version {version}")
    for table, text in meaning.items():
        click.echo(f"  [{table}] {text}")


def meaning_of(ruleset: RuleSet) -> dict[str, str]:
    """What each table of a rules file does, in words, in the order of the file."""
    verb = {"allow": "shown", "deny": "kept out"}
    seen = "are left out of that user's recommendations" if ruleset.exclude_seen else "may be recommended again"
    return {
        "windows": "an item is shown in a market while one of its windows is open there",
        "explicit": "where a request wants no explicit items, those not known are " + verb[ruleset.explicit.unknown],
        "languages": "where a request names languages, items without one are " + verb[ruleset.languages.unknown],
        "age": "an item with a minimum age is shown to those known to be that old",
        "kinds": "a request may ask for tracks or for episodes alone",
        "blocked": f"{len(ruleset.blocked_items)} items and {len(ruleset.blocked_creators)} creators are never shown",
        "seen": f"items that a known user has heard {seen}",
    }
