"""What the common split cannot ask of the towers: items nobody heard, listeners never seen, and what comes later.

Each question is a set of files cut from imported interactions, and answered by the product's own commands.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from msgspec import Struct
from rich.table import Table

from benchmarks.harness.product import INTERACTIONS, evaluate, train

Row = dict[str, Any]
Rows = list[Row]

SHOWN = ("recall@20", "ndcg@20")
# The first day that is asked about; training sees what was there before.
CUT = "2021-01-01"
# One item in five has all of its pairs held out, one listener in ten all of theirs.
_ITEM_FOLDS = 5
_USER_FOLDS = 10
_MIN_PAIRS = 5


class Question(Struct, frozen=True):
    """`trained`: by scorer, what each model of the towers learns from; `history`: what is known of those who ask;
    `test`: what is to be found; `baselines`: who else is asked.
    """

    trained: dict[str, Rows]
    history: Rows
    test: Rows
    baselines: str


def cold_items(rows: Rows) -> Question:
    """All pairs of one item in five are to be found, by a model that has never seen one of them."""
    known, test = _cut(rows, lambda row: _fold(row["item_id"], _ITEM_FOLDS) == 0)
    return Question({"towers": known}, known, test, "popularity,text")


def unseen_listeners(rows: Rows) -> Question:
    """The common split's pairs of one listener in ten, asked of two models: one trained on their histories, one not.

    Both are given the same histories.
    """
    counts = Counter(user for user, _ in {(row["user_id"], row["item_id"]) for row in rows})
    rest, held_out = _cut(
        rows,
        lambda row: (
            _fold(f"{row['user_id']}\t{row['item_id']}", _MIN_PAIRS) == 0 and counts[row["user_id"]] >= _MIN_PAIRS
        ),
    )
    others, _ = _cut(rest, _is_unseen)
    _, test = _cut(held_out, _is_unseen)
    return Question({"towers, listeners known": rest, "towers, listeners unseen": others}, rest, test, "none")


def later(rows: Rows) -> Question:
    """What came on CUT or later, asked of a model that was trained on what was there before."""
    known, test = _cut(rows, lambda row: row["at"] >= CUT)
    return Question({"towers": known}, known, test, "popularity,item-knn,ease,als,bpr,text")


QUESTIONS: dict[str, dict[str, Callable[[Rows], Question]]] = {
    "hetrec2011_lastfm": {"unseen listeners": unseen_listeners},
    "taste_profile": {"unseen listeners": unseen_listeners},
    "playlist_archive": {
        "cold items": cold_items,
        "unseen listeners": unseen_listeners,
        f"from {CUT} on": later,
    },
}


def answer(work: Path, name: str, config: str, seeds: Iterable[int]) -> Table:
    """A table of every question asked of the data set `name`, imported in `work`; means over `seeds`."""
    lines = (work / INTERACTIONS).read_bytes().splitlines()
    rows: Rows = [msgspec.json.decode(line) for line in lines]
    table = Table("question", "", *SHOWN, title=f"{name}, other questions, mean of seeds {', '.join(map(str, seeds))}")
    for label, ask in QUESTIONS[name].items():
        for scorer, values in _answer(work, ask(rows), config, seeds).items():
            table.add_row(label, scorer, *(f"{values[key]:.4f}" for key in SHOWN))
        table.add_section()
    return table


def _answer(work: Path, question: Question, config: str, seeds: Iterable[int]) -> dict[str, dict[str, float]]:
    history, test = _write(work / "history.jsonl", question.history), _write(work / "test.jsonl", question.test)
    found: dict[str, dict[str, float]] = {}
    baselines = question.baselines
    for scorer, rows in question.trained.items():
        learnt = _write(work / "trained.jsonl", rows)
        runs = []
        for seed in seeds:
            train(work, learnt, f"{config}seed = {seed}\n", "--split", "none")
            report = evaluate(work, history, "--test", test, "--baselines", baselines)
            runs.append(report["metrics"])
            found |= report["baselines"]
            baselines = "none"
        found[scorer] = {key: fmean(run[key] for run in runs) for key in SHOWN}
    return found


def _cut(rows: Rows, is_held_out: Callable[[Row], bool]) -> tuple[Rows, Rows]:
    kept: tuple[Rows, Rows] = ([], [])
    for row in rows:
        kept[is_held_out(row)].append(row)
    return kept


def _is_unseen(row: Row) -> bool:
    return _fold(row["user_id"], _USER_FOLDS) == 0


def _fold(text: str, folds: int) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % folds


def _write(path: Path, rows: Rows) -> str:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)) + b"\n")
    return str(path)
