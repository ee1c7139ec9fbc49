"""Feeds imported beside the same feeds merely read: by feedparser, the reader in general use, and by lxml alone.

    python -m benchmarks.feeds PATH/TO/podcast_episodes

The published episodes are written as feeds, one file a show. Each way goes over all files, the ways in turn,
`--rounds` times; shown are episodes a second (median) and the import's rate as a part of each. Then every row is
compared with what the importer `podcast_episodes` makes of the same episode, and the feeds are imported once more,
unchanged. Exit code 1 where a count differs.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

import feedparser
from lxml import etree
from msgspec.structs import asdict, replace
from rich.console import Console
from rich.table import Table

from benchmarks.feeds.written import write_feeds
from embedding.importers.import_set import import_set
from embedding.importers.rss.import_feeds import import_feeds
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item

_QUIET = Reporter("none")


def main() -> None:
    """Parse the command line, measure, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with episodes.jsonl.gz")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        same = _run(arguments.source, Path(temporary), arguments.rounds)
    sys.exit(0 if same else 1)


def _run(source: Path, folder: Path, rounds: int) -> bool:
    console = Console(highlight=False)
    feeds, rows, jsonl = folder / "feeds", folder / "rows", folder / "jsonl"
    feeds.mkdir()
    ids = write_feeds(source, feeds)
    # Some time goes by between two runs of a daily job: files that have just been written are looked at more closely.
    time.sleep(2.5)
    files = sorted(feeds.iterdir())

    def imported() -> None:
        shutil.rmtree(rows, ignore_errors=True)
        _import(feeds, rows)

    ways: dict[str, Callable[[], object]] = {
        "import": imported,
        "feedparser": lambda: [feedparser.parse(file.read_bytes()) for file in files],
        "lxml": lambda: [etree.fromstring(file.read_bytes()) for file in files],
    }
    taken = [{name: _timed(way) for name, way in ways.items()} for _ in range(rounds)]
    table = Table(title=f"{len(ids):,} episodes of {len(files):,} shows, {rounds} rounds")
    for column in ("way", "episodes/s", "the import's rate is"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name in ways:
        rate = median(len(ids) / one[name] for one in taken)
        table.add_row(name, f"{rate:,.0f}", f"{median(one[name] / one['import'] for one in taken):.2f}")
    console.print(table)
    again = [_timed(lambda: _import(feeds, rows)) for _ in range(rounds)]
    share = median(again) / median(one["import"] for one in taken)
    console.print(f"once more, unchanged: {median(again):.3f} s, {share:.1%} of the first import")
    with Rejects(folder / "rejects") as rejects:
        import_set("podcast_episodes", source, jsonl, rejects, 0.0, _QUIET)
    return _compare(console, _items(rows), _items(jsonl), ids)


def _compare(console: Console, rows: list[Item], expected: list[Item], ids: dict[tuple[str, str], str]) -> bool:
    """Print how many rows differ in which field, with an example; whether there are as many rows."""
    by_id = {item.id: item for item in expected}
    differing: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for row in rows:
        other = by_id.get(ids[str(row.extra["show_id"]), str(row.extra["guid"])])
        if other is None:
            differing["id"] += 1
            continue
        # A feed has no ids of its own; the show is compared, the guid has led here.
        mine = asdict(replace(row, id=other.id, extra={"show_id": row.extra["show_id"]}))
        for name, value in asdict(other).items():
            if mine[name] != value:
                differing[name] += 1
                examples.setdefault(name, f"{str(mine[name])[:90]!r} where JSONL has {str(value)[:90]!r}")
    console.print(f"{len(rows):,} rows from feeds, {len(expected):,} from JSONL")
    for name, count in differing.most_common():
        console.print(f"{name} differs in {count:,}, as in {examples.get(name, '')}", markup=False)
    return len(rows) == len(expected)


def _import(feeds: Path, rows: Path) -> None:
    with Rejects(rows.with_name("rejects")) as rejects:
        import_feeds([str(feeds)], rows, rejects, 0.0, _QUIET)


def _items(folder: Path) -> list[Item]:
    rejects = Rejects(folder.with_name("rejects"))
    return [item for batch in read_catalogue(folder / "catalogue.jsonl", rejects) for item in batch]


def _timed(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
