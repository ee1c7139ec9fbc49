"""Names and titles of real items, each with an error in typing: in how many of 300 searches is one among the first ten.

    python -m benchmarks.mistyped DATA [--items 8000] [--num 300] [--keep FILE] [--before FILE]

DATA has the folders podcast_episodes and playlist_archive with the published files. A release is built and asked by the
product's own command and routes, in the modes lexical and hybrid: for each name with one error in one of its words of
five letters or more, and for the same names typed right. --keep writes the place of each answer; --before reads what
another build has kept, and names each question typed right whose answer stands further down here.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from litestar.testing import TestClient
from rich.console import Console
from rich.table import Table

from benchmarks.mistyped.questions import Question, catalogue, questions
from service.cli import nearfield
from service.main import build_app

_MODES = ("lexical", "hybrid")
_FIRST, _LOOKED_AT = 10, 100
_BAR = 0.85
# Place of what is not found.
_NOWHERE = _LOOKED_AT + 1

Places = dict[str, dict[str, int]]


def main() -> None:
    """Parse the command line and print the table; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--items", type=int, default=8_000)
    parser.add_argument("--num", type=int, default=300)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--before", type=Path)
    arguments = parser.parse_args()
    rows = catalogue(arguments.data.resolve(), arguments.items)
    asked = questions(rows, arguments.num)
    before = None if arguments.before is None else json.loads(arguments.before.read_text())
    keep = None if arguments.keep is None else arguments.keep.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        places = _ask(rows, asked)
    if keep is not None:
        keep.write_text(json.dumps(places, ensure_ascii=False))
    sys.exit(_report(asked, places, before))


def _ask(rows: list[dict[str, Any]], asked: list[Question]) -> Places:
    """By mode and how it was typed, the place of the first right answer by what was typed right."""
    Path("nearfield.toml").write_text('default_market = "IT"\n')
    Path("catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    built = CliRunner().invoke(nearfield, ["index", "build", "catalogue.jsonl", "--activate"])
    if built.exit_code:
        sys.exit(built.output or str(built.exception))
    places: Places = defaultdict(dict)
    with TestClient(build_app()) as client:
        for mode in _MODES:
            for typed in ("right", "mistyped"):
                began = time.perf_counter()
                for question in asked:
                    text = question.right if typed == "right" else question.mistyped
                    body = {"text": text, "mode": mode, "limit": _LOOKED_AT, "same_recording": True}
                    answer = client.post("/v1/search", json=body)
                    answer.raise_for_status()
                    found = [hit["id"] in question.ids for hit in answer.json()["hits"]]
                    places[f"{mode}, {typed}"][question.right] = found.index(True) + 1 if any(found) else _NOWHERE
                print(f"{mode}, {typed}: {1000 * (time.perf_counter() - began) / len(asked):.1f} ms a question")
    return places


def _report(asked: list[Question], places: Places, before: Places | None) -> int:
    errors = sorted({question.error for question in asked})
    table = Table(title=f"part of {len(asked)} names and titles with an answer among the first {_FIRST}")
    for heading in ("", *errors, "all", *(("before",) if before else ())):
        table.add_column(heading, justify="right" if heading else "left")
    missed = []
    for name, of_names in places.items():
        parts = [[of_names[one.right] for one in asked if one.error == error] for error in errors]
        part = _part(list(of_names.values()))
        then = [] if before is None else [list(before[name].values())]
        table.add_row(name, *(f"{_part(some):.3f}" for some in (*parts, list(of_names.values()), *then)))
        if name.endswith("mistyped") and part < _BAR:
            missed.append(f"{name}: {part:.3f} is below {_BAR}")
        if name.endswith("right") and before is not None:
            worse = [one for one in of_names if min(before[name][one], _NOWHERE) < of_names[one]]
            missed += [f"{name}: {one!r} was at {before[name][one]}, is at {of_names[one]}" for one in worse]
    console = Console(highlight=False, width=120)
    console.print(table)
    for line in missed:
        console.print(line)
    return 1 if missed else 0


def _part(places: list[int]) -> float:
    return sum(place <= _FIRST for place in places) / len(places)


if __name__ == "__main__":
    main()
