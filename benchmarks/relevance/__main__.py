"""How well real episodes are found by a text: Italian beside English, in each mode of search.

    python -m benchmarks.relevance PODCASTS [--cache F] [--encoder FOLDER] [--all-languages] [--asked-only]
        [--named 750]

PODCASTS has episodes.jsonl.gz and shows.jsonl.gz. Two releases are built and asked over the product's own routes, by a
client in the same process: one of episodes whose titles are cut out of title and text, asked for each by its title, and
one of whole episodes, asked for titles and creators. Shown is recall@10, ties against us: the right items among the
ten, of those there are, ten at most. A question is asked among the episodes of its language, unless --all-languages.
With --asked-only nothing else is there than the 500 of a language whose titles are asked for, and no creators, as
`nearfield adapt` asks.
With --encoder the shows are those that `nearfield adapt` holds out.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from litestar.testing import TestClient
from rich.console import Console
from rich.table import Table

from benchmarks.relevance.sample import (
    LANGUAGES,
    Question,
    creators,
    exact_titles,
    sample,
    titles,
    without_creator,
    without_title,
)
from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Item
from embedding.settings import EncoderPlace
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.settings import IndexingSettings
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings

_MODES = ("semantic", "lexical", "hybrid")
_K, _LOOKED_AT, _MARKET = 10, 100, "IT"
_BARS = {"it": 0.67, "en": 0.86}
_DESCRIPTIONS = "title to description"


def main() -> None:
    """Parse the command line and print one table; exit code 1 where hybrid falls below one of its parts or a bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--cache", type=Path, help="cache of text vectors; without it all texts are encoded")
    parser.add_argument("--encoder", type=EncoderPlace, help="folder of a text encoder; without it the packaged one")
    parser.add_argument("--all-languages", action="store_true")
    parser.add_argument(
        "--asked-only", action="store_true", help="only episodes whose titles are asked for are there, nameless"
    )
    parser.add_argument("--named", type=int, default=750, help="whole episodes that are asked for by title and creator")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        items = _episodes(arguments.source, folder, adapted=arguments.encoder is not None)
        whole = _mixed(items, arguments.named)
        if arguments.asked_only:
            asked = frozenset().union(*(question.right for question in titles(items)))
            items = [without_creator(item) for item in items if item.id in asked]
        cut = _World(folder / "cut", [without_title(item) for item in items], arguments)
        named = _World(folder / "whole", whole, arguments)
        found = {
            _DESCRIPTIONS: cut.ask(titles(items), among_all=arguments.all_languages),
            "exact title": named.ask(exact_titles(whole), among_all=arguments.all_languages),
            "creator's name": named.ask(creators(whole), among_all=arguments.all_languages),
        }
    sys.exit(_report(found, len(items), len(whole)))


def _episodes(source: Path, folder: Path, *, adapted: bool) -> list[Item]:
    with Rejects(folder / "rejects.jsonl") as rejects:
        import_set("podcast_episodes", source, folder, rejects, 0.01, Reporter("none"))
        rows = [item for items in read_catalogue(folder / "catalogue.jsonl", rejects) for item in items]
    return sample(rows, adapted=adapted)


def _mixed(items: Sequence[Item], most: int) -> list[Item]:
    """English ones first, which are few."""
    return sorted(items, key=lambda item: not (item.language or "").startswith("en"))[:most]


class _World:
    """A release of its own, asked over the application's routes."""

    def __init__(self, folder: Path, items: Sequence[Item], arguments: argparse.Namespace) -> None:
        with RowFiles(folder) as files:
            files.write_items("catalogue.jsonl", items)
        inputs = BuildInputs(catalogue=folder / "catalogue.jsonl")
        settings = IndexingSettings(data_dir=folder, cache_dir=arguments.cache, encoder=arguments.encoder)
        asyncio.run(build_from_settings(inputs, settings, Reporter("bar"), activate=True))
        self._settings = Settings(data_dir=folder, default_market=_MARKET, encoder=arguments.encoder)

    def ask(self, questions: Sequence[Question], *, among_all: bool) -> dict[tuple[str, str], list[float]]:
        """Recall of each question, by mode and language."""
        parts = open_dependencies(self._settings)
        parts.encoder.load_now()
        recalls: dict[tuple[str, str], list[float]] = {(mode, lang): [] for mode in _MODES for lang in LANGUAGES}
        with TestClient(create_app(parts)) as client:
            for question in questions:
                for mode in _MODES:
                    context = {} if among_all else {"languages": [question.language]}
                    body = {"text": question.text, "mode": mode, "limit": _LOOKED_AT, "context": context}
                    answer = client.post("/v1/search", json=body)
                    answer.raise_for_status()
                    scores = {hit["id"]: hit["score"] for hit in answer.json()["hits"]}
                    recalls[mode, question.language].append(_recall(scores, question.right))
        return recalls


def _recall(scores: dict[str, float], right: frozenset[str]) -> float:
    """The part of `right`, ten at most, that fewer than ten items are at least as good as."""
    wrong = sorted((score for id, score in scores.items() if id not in right), reverse=True)
    num_found = 0
    for score in sorted((scores[id] for id in right if id in scores), reverse=True):
        num_better = sum(other >= score for other in wrong)
        num_found += num_better + num_found < _K
    return num_found / min(len(right), _K)


def _report(found: dict[str, dict[tuple[str, str], list[float]]], num_cut: int, num_whole: int) -> int:
    table = Table(title=f"recall@{_K} among {num_cut:,} episodes without titles, {num_whole:,} whole ones")
    for heading in ("", "language", "questions", *_MODES):
        table.add_column(heading, justify="left" if heading in ("", "language") else "right")
    missed = []
    for name, recalls in found.items():
        for language, shown in LANGUAGES.items():
            means = {mode: sum(of := recalls[mode, language]) / len(of) for mode in _MODES}
            num = str(len(recalls["hybrid", language]))
            table.add_row(name, shown, num, *(f"{mean:.3f}" for mean in means.values()))
            if means["hybrid"] < max(means["semantic"], means["lexical"]):
                missed.append(f"{name}, {shown}: hybrid is below the better of its parts")
            if name == _DESCRIPTIONS and means["hybrid"] < _BARS[language]:
                missed.append(f"{name}, {shown}: hybrid is below {_BARS[language]}")
    console = Console(highlight=False)
    console.print(table)
    for line in missed:
        console.print(line)
    return 1 if missed else 0


if __name__ == "__main__":
    main()
