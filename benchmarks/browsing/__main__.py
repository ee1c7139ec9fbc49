"""Counts by value, listings and suggestions by prefix: milliseconds each, and how often a mistyped word is understood.

    python -m benchmarks.browsing [--items 100000] [--queries 200]

In process, from a request to the JSON of its answer, market and window and explicit rules on; no engine is asked.
Times are of this process's own processor, so that other work on the machine counts for little. A word is mistyped by
one letter replaced, left out, put in, or swapped with the next; it is understood where a suggestion among ten has it.
"""

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.asking import asked_context
from benchmarks.harness.opened_world import opened_world
from benchmarks.harness.world import PlantedEncoder, build_world, rows
from indexing.release.release import Release
from service.app import open_pipeline
from service.schemas.browsing import BrowseAnswer, FacetsRequest, ItemsRequest, Order, SuggestAnswer, SuggestRequest
from service.schemas.requests import Selection

_DIMS = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
_NUM_WORDS = 60_000
_ORDERS: tuple[Order, ...] = ("row", "newest", "popular")
# Words that one error still leaves long enough to be told from others.
_SHORTEST, _LONGEST = 5, 12

Browse = Callable[[Selection], Awaitable[BrowseAnswer]]


def main() -> None:
    """Build the world if need be, ask, and print one row for each kind of request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200, help="suggestions of each sort; a tenth of all others")
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-browsing-world-{arguments.items}"
    console = Console(width=120)
    console.print(asyncio.run(_measured(folder, arguments.items, arguments.queries)))


async def _measured(folder: Path, num_items: int, num_queries: int) -> Table:
    await asyncio.to_thread(build_world, folder, num_items, PlantedEncoder(_DIMS), _titled_rows)
    parts = await asyncio.to_thread(opened_world, folder, num_items, _DIMS)
    await parts.store.open(parts.live.release.id)
    browse = open_pipeline(parts, parts.live).browse
    table = Table("", "first ms", "p50 ms", "p99 ms", "understood", title=f"{num_items:,} items")

    async def row(name: str, requests: Sequence[Selection], understood: str = "") -> None:
        first, *times = [await _cpu_ms(browse, request) for request in requests]
        figures = (first, *np.percentile(times, (50, 99)))
        table.add_row(name, *(f"{figure:,.1f}" for figure in figures), understood)

    some = max(2, num_queries // 10)
    context = asked_context()
    for fields in (("kind",), ("tags",), ("creators",), ("kind", "language", "tags", "creators")):
        await row(f"facets: {', '.join(fields)}", [FacetsRequest(context=context, fields=fields)] * some)
    for order in _ORDERS:
        await row(f"listing: {order}", [ItemsRequest(context=context, order=order, limit=1_000)] * some)
    dice = random.Random(7)
    words = _words(parts.live.release, num_queries, dice)
    for length in (1, 2, 4, 8):
        await row(f"suggestions: {length} letters", [_suggest(word[:length]) for word in words])
    for name, first_letter in (("an error behind the first letter", False), ("the first letter wrong", True)):
        typed = [(word, _mistyped(word, dice, first_letter=first_letter)) for word in words]
        hits = [_has(word, await browse(_suggest(query))) for word, query in typed]
        await row(f"suggestions: {name}", [_suggest(query) for _, query in typed], f"{np.mean(hits):.2f}")
    return table


async def _cpu_ms(browse: Browse, request: Selection) -> float:
    before = time.process_time()
    msgspec.json.encode(await browse(request))
    return 1e3 * (time.process_time() - before)


def _suggest(text: str) -> SuggestRequest:
    return SuggestRequest(context=asked_context(), q=text)


def _titled_rows(num_items: int) -> Iterator[dict[str, object]]:
    """Catalogue rows whose titles have one to six words more, made of syllables and as frequent as Zipf's law says."""
    dice = random.Random(13)
    made = {"".join(dice.choices(_SYLLABLES, k=dice.randrange(1, 6))): None for _ in range(_NUM_WORDS)}
    words, weights = list(made), list(itertools.accumulate(1 / rank for rank in range(1, len(made) + 1)))
    for row in rows(num_items):
        title = " ".join(dice.choices(words, cum_weights=weights, k=dice.randrange(1, 7)))
        yield row | {"title": f"{row['title']} {title}", "popularity": round(dice.random() ** 4, 6)}


def _words(release: Release, num: int, dice: random.Random) -> list[str]:
    """Words of syllables, of rows drawn with each as likely as another."""
    words: list[str] = []
    while len(words) < num:
        title = release.columns.names(dice.randrange(len(release.columns))).title
        words += [word for word in title.split()[2:] if _SHORTEST <= len(word) <= _LONGEST][:1]
    return words


def _mistyped(word: str, dice: random.Random, *, first_letter: bool) -> str:
    place = 0 if first_letter else dice.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    other = dice.choice([one for one in _LETTERS if one != letter])
    swapped = before + after[0] + letter + after[1:]
    return dice.choice((before + other + after, before + after, before + other + letter + after, swapped))


def _has(word: str, answer: BrowseAnswer) -> bool:
    assert isinstance(answer, SuggestAnswer)
    return any(word in suggestion.text.lower().split() for suggestion in answer.suggestions)


if __name__ == "__main__":
    main()
