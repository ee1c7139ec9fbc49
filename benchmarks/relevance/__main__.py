"""How well real episodes are found by a text: Italian beside English, in each mode of search.

    python -m benchmarks.relevance PODCASTS [--cache F] [--encoder E] [--held-out | --tuned-on] [--asked-only]
        [--all-languages] [--named 750]

PODCASTS has episodes.jsonl.gz and shows.jsonl.gz. Two releases are built and asked over the product's own routes, by a
client in the same process: one of episodes whose titles are cut out of title and text, asked for each by its title, and
one of whole episodes, asked for titles and creators. Shown is recall@10, ties against us, with the bounds within which
it lies in 95 of 100 draws of as many questions: the right items among the ten, of those there are, ten at most. A
question is asked among the episodes of its language, unless --all-languages.
With --held-out the shows are those that `nearfield adapt` holds out; with --tuned-on the others, on which the weights
of `hybrid` were chosen (with --asked-only alone).
With --asked-only nothing else is there than the descriptions of at most 500 episodes of a language whose titles are
asked for, as `nearfield adapt` asks.
E: a folder, or the name of a packaged encoder.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.episodes import MODES, EpisodesWorld, asked, episodes_parser, read_episodes
from benchmarks.relevance.sample import (
    LANGUAGES,
    Question,
    asked_pools,
    creators,
    exact_titles,
    sample,
    titles,
    without_title,
)
from embedding.rows.schema import Item
from service.evaluation.measures import interval_of

_K, _LOOKED_AT = 10, 100
_DESCRIPTIONS = "title to description"


def main() -> None:
    """Parse the command line and print one table; exit code 1 where hybrid falls below one of its parts."""
    parser = episodes_parser(__doc__)
    shows = parser.add_mutually_exclusive_group()
    shows.add_argument("--held-out", action="store_true", help="of the shows that are held out")
    shows.add_argument("--tuned-on", action="store_true", help="of all other shows; with --asked-only")
    parser.add_argument("--all-languages", action="store_true")
    parser.add_argument("--asked-only", action="store_true", help="descriptions of episodes that are asked for, alone")
    parser.add_argument("--named", type=int, default=750, help="whole episodes that are asked for by title and creator")
    arguments = parser.parse_args()
    if arguments.tuned_on and not arguments.asked_only:
        parser.error("--tuned-on: expected --asked-only beside it")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        items = read_episodes(arguments.source, folder)
        found = _asked_only(items, folder, arguments) if arguments.asked_only else _among_all(items, folder, arguments)
    sys.exit(_report(found))


_Recalls = dict[tuple[str, str], list[float]]


def _asked_only(items: list[Item], folder: Path, arguments: argparse.Namespace) -> dict[str, _Recalls]:
    candidates, questions = asked_pools(items, held_out=not arguments.tuned_on)
    world = EpisodesWorld(folder / "cut", candidates, arguments.cache, arguments.encoder)
    return {_DESCRIPTIONS: _recalls(world, questions, among_all=arguments.all_languages)}


def _among_all(items: list[Item], folder: Path, arguments: argparse.Namespace) -> dict[str, _Recalls]:
    drawn = sample(items, held_out=arguments.held_out)
    # English ones first, which are few.
    whole = sorted(drawn, key=lambda item: not (item.language or "").startswith("en"))[: arguments.named]
    cut = EpisodesWorld(folder / "cut", list(map(without_title, drawn)), arguments.cache, arguments.encoder)
    named = EpisodesWorld(folder / "whole", whole, arguments.cache, arguments.encoder)
    return {
        _DESCRIPTIONS: _recalls(cut, titles(drawn), among_all=arguments.all_languages),
        "exact title": _recalls(named, exact_titles(whole), among_all=arguments.all_languages),
        "creator's name": _recalls(named, creators(whole), among_all=arguments.all_languages),
    }


def _recalls(world: EpisodesWorld, questions: Sequence[Question], *, among_all: bool) -> _Recalls:
    """Recall of each question, by mode and language."""
    recalls: _Recalls = {(mode, language): [] for mode in MODES for language in LANGUAGES}
    with world.served() as client:
        for question in questions:
            for mode in MODES:
                languages = () if among_all else (question.language,)
                scores = asked(client, question.text, mode, _LOOKED_AT, languages)
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


def _report(found: dict[str, _Recalls]) -> int:
    table = Table(title=f"recall@{_K}, 95 % intervals")
    for heading in ("", "language", "questions", *MODES):
        table.add_column(heading, justify="left" if heading in ("", "language") else "right")
    missed = []
    for name, recalls in found.items():
        for language, shown in LANGUAGES.items():
            told = {mode: interval_of(np.array(recalls[mode, language])) for mode in MODES}
            cells = (f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})" for one in told.values())
            table.add_row(name, shown, str(len(recalls["hybrid", language])), *cells)
            if told["hybrid"].mean < max(told["semantic"].mean, told["lexical"].mean):
                missed.append(f"{name}, {shown}: hybrid is below the better of its parts")
    console = Console(highlight=False, width=130)
    console.print(table)
    for line in missed:
        console.print(line)
    return 1 if missed else 0


if __name__ == "__main__":
    main()
