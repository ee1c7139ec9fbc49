"""How well questions of topic are answered: 30 English and 30 Italian ones, over real episodes, in each mode.

    python -m benchmarks.topics PODCASTS [--cache F] [--encoder E] [--to-judge FILE]

PODCASTS as for benchmarks.relevance. Asked among 900 episodes of each language, at most 30 of an English show and one
of an Italian one. Shown is the mean grade (0 off the topic, 1 touches it, 2 about it) of the first five hits by mode
and language, and hybrid against the better of its parts: the mean difference over questions with its bounds (paired
bootstrap), and p by Wilcoxon's signed ranks.
questions.jsonl beside this has the questions with the grades of ids that came among the first five. What has no grade
counts as 0, as is usual for pools, and is told; --to-judge writes it with titles and texts, in an order that says
nothing of modes.
"""

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import wilcoxon

from benchmarks.harness.episodes import MODES, EpisodesWorld, asked, episodes_parser, read_episodes
from benchmarks.relevance.sample import LANGUAGES, whole_episodes
from embedding.rows.schema import Item
from service.evaluation.measures import interval_of

_QUESTIONS = Path(__file__).with_name("questions.jsonl")
_FIRST, _POOL = 5, 900
# Many English shows are long, Italian ones are many.
_MOST_OF_A_SHOW = {"en": 30, "it": 1}
_SEED = 0

Hits = dict[str, list[str]]


def main() -> None:
    """Parse the command line, ask, and print one table; exit code 1 where hybrid is below the better of its parts."""
    parser = episodes_parser(__doc__)
    parser.add_argument("--to-judge", type=Path, help="write what has no grade yet, and print no table")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in _QUESTIONS.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        episodes = read_episodes(arguments.source, folder)
        items = whole_episodes(episodes, _POOL, _MOST_OF_A_SHOW)
        found = _found(EpisodesWorld(folder / "whole", items, arguments.cache, arguments.encoder), questions)
    ungraded = [
        (question["query"], id)
        for question, hits in zip(questions, found, strict=True)
        for id in dict.fromkeys(id for mode in MODES for id in hits[mode])
        if id not in question["grades"]
    ]
    if arguments.to_judge is not None:
        _write(arguments.to_judge, ungraded, {item.id: item for item in items})
        return
    if ungraded:
        print(f"{len(ungraded)} of the first {_FIRST} of some mode have no grade, and count as 0 (--to-judge)")
    sys.exit(_report(questions, found))


def _found(world: EpisodesWorld, questions: list[dict[str, Any]]) -> list[Hits]:
    with world.served() as client:
        return [
            {
                mode: list(asked(client, question["query"], mode, _FIRST, question["context"]["languages"]))
                for mode in MODES
            }
            for question in questions
        ]


def _write(path: Path, ungraded: list[tuple[str, str]], items: dict[str, Item]) -> None:
    random.Random(_SEED).shuffle(ungraded)
    rows = sorted(ungraded, key=lambda one: one[0])
    path.write_text(
        "".join(
            json.dumps({"query": query, "id": id, "title": items[id].title, "text": items[id].text}, ensure_ascii=False)
            + "\n"
            for query, id in rows
        ),
        encoding="utf-8",
    )


def _report(questions: list[dict[str, Any]], found: list[Hits]) -> int:
    table = Table(title=f"mean grade (0 to 2) of the first {_FIRST}")
    for heading in ("language", "questions", *MODES, "hybrid - better part", "p"):
        table.add_column(heading, justify="left" if heading == "language" else "right")
    below = False
    for language, shown in (*LANGUAGES.items(), (None, "both")):
        own = [
            (question, hits)
            for question, hits in zip(questions, found, strict=True)
            if language in (None, question["context"]["languages"][0])
        ]
        # A place that no hit takes is worth nothing.
        grades = {
            mode: np.array([sum(question["grades"].get(id, 0) for id in hits[mode]) / _FIRST for question, hits in own])
            for mode in MODES
        }
        better = max(("semantic", "lexical"), key=lambda mode: float(grades[mode].mean()))
        gained = grades["hybrid"] - grades[better]
        told = interval_of(gained)
        p = float(wilcoxon(gained).pvalue) if gained.any() else 1.0
        cells = (f"{values.mean():.3f}" for values in grades.values())
        difference = f"{told.mean:+.3f} ({told.low:+.3f} to {told.high:+.3f}), {better}"
        table.add_row(shown, str(len(own)), *cells, difference, f"{p:.3f}")
        below |= told.mean < 0
    Console(highlight=False, width=130).print(table)
    return int(below)


if __name__ == "__main__":
    main()
