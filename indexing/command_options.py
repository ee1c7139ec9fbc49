"""What the commands of `nearfield index` share: settings, `--json`, and how an object is printed."""

import os
import sys
from getpass import getuser
from pathlib import Path

import click
import msgspec

from indexing.settings import IndexingSettings

pass_settings = click.make_pass_decorator(IndexingSettings)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
map_option = click.option(
    "--map",
    "map_path",
    type=click.Path(exists=True, path_type=Path),
    help="TOML file: which column is which field; see docs/columns.md.",
)
EXIT_FAILED = 1
"""The exit code of what could not be done, or not all of it."""
existing = click.Path(exists=True, path_type=Path)
why_option = click.option("--why", default="", metavar="TEXT", help="Kept with the change, beside who made it.")


def print_json(value: object) -> None:
    """One object on stdout, on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def login_name() -> str:
    """Who types the command, for the record: the login name, or the user's number where it has none."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


by_option = click.option(
    "--by",
    default=login_name,
    show_default="the login name",
    metavar="NAME",
    help="Who makes the change; kept with it.",
)


def signed(by: str | None, why: str | None) -> str:
    """How a line that is listed ends: who made the change, and why, as far as it is known."""
    return (f"  by {by}" if by else "") + (f": {why}" if why else "")
