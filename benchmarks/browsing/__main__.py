"""Facets, suggestions and listings of a large catalogue, under the rules of a context.

    python -m benchmarks.browsing [--items 1000000]

In process, without HTTP: context, rules, re-check and the answer's JSON, one request after the other. `first` is the
first of a context, `after` those that find its rows selected. Suggestions are asked for with what was typed of drawn
titles: 1 to 8 letters as they are, and 4 to 8 with an error, of which `found` says how many suggest the title's first
word.
"""

import argparse
import asyncio
import os
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.browsing.world import build_titled_world
from benchmarks.harness.asking import asked_context
from benchmarks.harness.opened_world import FOLDER, parts_of_world
from service.app import open_pipeline
from service.dependencies import Dependencies
from service.loaded.name_index import NameIndex
from service.queries.pipeline import Pipeline
from service.schemas.browsing import FacetsRequest, ItemsRequest, Order, SuggestAnswer, SuggestRequest
from service.schemas.problems import ProblemError
from service.schemas.requests import Selection

_ROUNDS, _TYPED = 15, 200
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-browsing-{arguments.items}"
    build_titled_world(folder, arguments.items)
    os.environ[FOLDER] = str(folder)
    asyncio.run(_measured(parts_of_world(), arguments.items))


async def _measured(parts: Dependencies, num_items: int) -> None:
    pipeline = open_pipeline(parts, parts.live)
    context = asked_context()
    table = Table(title=f"{num_items:,} items, market, window and explicit rules; milliseconds")
    for heading in ("of", "first", "after, p50", "p99", "found"):
        table.add_column(heading, justify="left" if heading == "of" else "right")

    async def row(name: str, requests: Sequence[Selection], found: str = "") -> None:
        took = [await _timed(pipeline, request) for request in requests]
        table.add_row(name, *(f"{ms:.1f}" for ms in (took[0], *np.percentile(took[1:], (50, 99)))), found)

    # What is read for the first time of a release, whatever the context.
    await _timed(pipeline, FacetsRequest(context=replace(context, market="US")))
    await row("facets", [FacetsRequest(context=context)] * _ROUNDS)
    await row("facets, kind alone", [FacetsRequest(context=context, fields=("kind",))] * _ROUNDS)
    narrow = {"field": "tags", "one_of": ["bo", "ra"]}
    await row("facets of two tags", [FacetsRequest(context=context, filter=narrow)] * _ROUNDS)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    index = await _index(pipeline)
    told = f"names read in {time.perf_counter() - began:.1f} s, the index has {index.nbytes / 2**20:.0f} MiB"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    titles = _titles(pipeline, num_items)
    for low, high in ((1, 2), (3, 5), (6, 8)):
        typed = [title[: random.Random(title).randint(low, high)] for title in titles]
        await row(f"suggest, {low} to {high} letters", [SuggestRequest(context=context, q=q) for q in typed])
    for first in (False, True):
        dice = random.Random(3)
        pairs = [(title, wrong) for title in titles if (wrong := _with_error(dice, title, first=first)) is not None]
        found = [word_of(title) in await _suggested(pipeline, context, wrong) for title, wrong in pairs]
        name = "suggest, an error in the first letter" if first else "suggest, an error later"
        requests = [SuggestRequest(context=context, q=wrong) for _, wrong in pairs]
        await row(name, requests, f"{np.mean(found):.2f}")
    orders: tuple[Order, ...] = ("row", "newest", "popular")
    for order in orders:
        await row(f"items by {order}, 1,000", [ItemsRequest(context=context, limit=1_000, order=order)] * _ROUNDS)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{told}; at most {grown:.0f} MiB more were taken while it was made")


async def _timed(pipeline: Pipeline, request: Selection) -> float:
    start = time.perf_counter()
    msgspec.json.encode(await pipeline.browse(request))
    return 1e3 * (time.perf_counter() - start)


async def _index(pipeline: Pipeline) -> NameIndex:
    while True:
        try:
            return await pipeline.tools.loaded.names.of(pipeline.tools.release)
        except ProblemError:
            continue


def word_of(title: str) -> str:
    """The first word of a title, as it is typed."""
    return title.split()[0].lower()


def _titles(pipeline: Pipeline, num_items: int) -> list[str]:
    columns, dice = pipeline.tools.release.columns, random.Random(5)
    return [columns.names(dice.randrange(num_items)).title for _ in range(_TYPED)]


def _with_error(dice: random.Random, title: str, *, first: bool) -> str | None:
    """The first word of a title, four to eight letters of it, with one error; None where it is too short."""
    word = word_of(title)[: dice.randint(4, 8)]
    if len(word) < 4:
        return None
    place = 0 if first else dice.randrange(1, len(word) - 1)
    letter = dice.choice([one for one in _LETTERS if one != word[place]])
    before, after = word[:place], word[place + 1 :]
    return dice.choice(
        (
            before + letter + after,
            before + after,
            before + letter + word[place:],
            before + after[:1] + word[place] + after[1:],
        )
    )


async def _suggested(pipeline: Pipeline, context: object, typed: str) -> set[str]:
    answer = await pipeline.browse(SuggestRequest(context=context, q=typed))  # type: ignore[arg-type]
    assert isinstance(answer, SuggestAnswer)
    return {word for one in answer.suggestions for word in one.text.lower().split()}


if __name__ == "__main__":
    main()
