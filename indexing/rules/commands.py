"""The `nearfield rules` commands: write out the packaged rules, check a file before it is proposed."""

from pathlib import Path

import click
import msgspec

from embedding.errors import UsageError
from indexing.rules.declaration import rules_version
from indexing.rules.reading import DEFAULT_RULES_TEXT


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
    from indexing.rules.meaning import meaning_of

    ruleset, _ = read_rules(file)
    version, meaning = rules_version(ruleset), meaning_of(ruleset)
    if as_json:
        click.echo(msgspec.json.encode({"version": version, "tables": meaning}).decode())
        return
    click.echo(f"{file} can be taken: version {version}")
    width = max(map(len, meaning)) + 2
    for table, text in meaning.items():
        click.echo(f"  {f'[{table}]'.ljust(width)}  {text}")
