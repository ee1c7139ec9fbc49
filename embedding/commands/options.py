"""Options that several commands have, each worded once."""

import os
from pathlib import Path
from typing import Any

import click

from embedding.extras.registry import require
from embedding.settings import EmbeddingSettings

pass_settings = click.make_pass_decorator(EmbeddingSettings)
# A file or folder that must be there; one that need not.
INPUT = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(path_type=Path)


class RowFiles(click.Path):
    """Files of rows. What reads them is looked for before the first is opened: it may be an extra."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; UsageError where it is a workbook, or has one, and what reads workbooks is not installed."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        names = [path.name, *(file.name for file in path.iterdir())] if path.is_dir() else [path.name]
        workbook = next((name for name in names if name.lower().endswith(".xlsx")), None)
        if workbook is not None:
            require("xlsx", f"Reading {workbook}")
        return path


ROWS = RowFiles(exists=True, path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
catalogue_option = click.option("--catalogue", required=True, type=ROWS, help="Catalogue: a file or a folder.")
interactions_option = click.option("--interactions", required=True, type=ROWS, help="Interactions: a file or a folder.")
rejects_option = click.option(
    "--rejects", "rejects_path", type=OUTPUT, help="File for bad rows; default: .nearfield/rejects/NAME.rejects.jsonl."
)

map_option = click.option(
    "--map", "map_path", type=INPUT, help="TOML file: which column is which field; see docs/columns.md."
)


def warn_of_rejects(rejects: dict[str, int]) -> None:
    """Say on stderr how many rows each rejects file holds."""
    for path, count in rejects.items():
        click.echo(f"{count:,} rows were not taken; see {path}", err=True)
