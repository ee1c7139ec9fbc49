"""Tracks of real playlists found by a text, in the towers' space and in the texts': what text queries give and cost.

    python -m benchmarks.text_queries PATH/TO/playlist_archive [--weights 0.1 0.3 1] [--cache FOLDER]

The playlist archive is trained on the common split by its config in benchmarks/quality and with the text as a feature,
once for each `text_query_weight`. Shown is what that does to recommendations; how well the name that somebody gave a
playlist (no model has seen it) finds its held-out tracks, among all; and how well a title finds its own track
(recall@10, ties against it, 1,000 tracks that training saw and 1,000 that it did not). The first row is the cosine of
the text vectors. The first run encodes 140,000 short texts, some six minutes on two cores.
"""

import argparse
import csv
import gzip
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.harness.product import CATALOGUE, INTERACTIONS, import_data
from benchmarks.quality.questions import SHOWN
from benchmarks.quality.sets import CONFIGS
from embedding.data.split import Split, split_pairs
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig, load_config
from embedding.evaluation.ranking import evaluate
from embedding.evaluation.scorer import Scores
from embedding.evaluation.tower_ranking import encode_for
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder
from embedding.text.text_vectors import TextVectors, open_text_vectors
from embedding.training.dataset import Dataset, open_dataset
from embedding.training.fit import fit_pairs

_SET = "playlist_archive"
_TITLES, _K = 1_000, 10
_WIDTH = 120
_QUIET = Reporter("none")


class _Asked:
    """Queries against candidates, by their dot product (Scorer)."""

    def __init__(self, queries: Vectors, candidates: Vectors) -> None:
        self.queries, self.candidates = queries, candidates

    def scores(self, first: int, last: int) -> Scores:
        return np.asarray(self.queries[first:last] @ self.candidates.T, np.float32)


class _Questions:
    """What is asked of every space: playlists by their names, tracks by their titles."""

    def __init__(self, source: Path, data: Dataset, task: Task, texts: TextVectors) -> None:
        self.data, self.task, self.texts = data, task, texts
        with gzip.open(source / "playlists.csv.gz", "rt", encoding="utf-8") as lines:
            names = {row["playlist_id"]: row["name"] for row in csv.DictReader(lines)}
        users = list(data.user_rows)
        self.names = texts.of_queries([names[users[user]] for user in task.users])
        items = [item for batch in data.items(task.is_candidate) for item in batch]
        heard = np.isin(task.candidates, task.train.items)
        draw = np.random.default_rng(0)
        self.asked = {
            known: draw.choice(np.flatnonzero(heard == known), _TITLES, replace=False) for known in (True, False)
        }
        self.titles = {
            known: texts.of_queries([items[row].title for row in rows]) for known, rows in self.asked.items()
        }
        self.rows = texts(items, lambda _: None)

    def answers(self, names: Vectors, titles: dict[bool, Vectors], candidates: Vectors) -> list[str]:
        """Four cells: playlists by name, titles of tracks that training saw, of others."""
        values = evaluate(_Asked(names, candidates), self.task, _QUIET, "names")
        cells = [f"{values[key]:.4f}" for key in SHOWN]
        return cells + [f"{_recall(titles[known], self.asked[known], candidates):.3f}" for known in (True, False)]


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.1, 0.3, 1.0])
    parser.add_argument("--cache", type=Path, help="folder of cached text vectors; without it all texts are encoded")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        import_data(work, _SET, arguments.source)
        settings = EmbeddingSettings(data_dir=work, cache_dir=arguments.cache)
        with (
            open_dataset(work / CATALOGUE, work / INTERACTIONS, work, 0.0, _QUIET) as data,
            open_text_vectors(settings, load_encoder, True) as texts,
        ):
            Console(width=_WIDTH).print(_table(arguments.source, data, texts, arguments.weights))


def _table(source: Path, data: Dataset, texts: TextVectors, weights: list[float]) -> Table:
    parts = split_pairs(data.pairs, data.rows, Split(name="common"))
    task = Task.of(parts, data.item_rows)
    questions = _Questions(source, data, task, texts)
    listeners = [f"listeners, {key}" for key in SHOWN]
    names = [f"names, {key}" for key in SHOWN]
    table = Table("weight", *listeners, *names, "titles, heard", "titles, not heard", title="playlists, common split")
    own = questions.answers(questions.names, questions.titles, questions.rows)
    table.add_row("(text vectors)", "", "", *own)
    base = load_config(CONFIGS / f"{_SET}.toml")
    for weight in (0.0, *weights):
        config = msgspec.structs.replace(base, features=(*base.features, "text"), text_query_weight=weight)
        table.add_row(f"{weight:g}", *_row(data, task, questions, config))
    return table


def _row(data: Dataset, task: Task, questions: _Questions, config: TrainConfig) -> list[str]:
    fitted = fit_pairs(data, task.train, config, questions.texts, torch.device("cpu"), _QUIET)
    query = fitted.trained.query
    rows, vectors = encode_for(fitted.trained.candidate, fitted.vocabulary, task, data, questions.texts, _QUIET)
    values = evaluate(TowerScorer(query, config, task, rows, vectors), task, _QUIET, "listeners")
    cells = [f"{values[key]:.4f}" for key in SHOWN]
    if not config.text_query_weight:
        return cells
    candidates = vectors[np.searchsorted(rows, task.candidates)]

    def in_tower(text_vectors: Vectors) -> Vectors:
        with torch.inference_mode():
            found: Vectors = query.of_texts(torch.from_numpy(text_vectors), config.dims).numpy()
        return found

    titles = {known: in_tower(vectors) for known, vectors in questions.titles.items()}
    return cells + questions.answers(in_tower(questions.names), titles, candidates)


def _recall(queries: Vectors, own: NDArray[np.int64], candidates: Vectors) -> float:
    scores = queries @ candidates.T
    mine = scores[np.arange(len(own)), own]
    return float(((scores >= mine[:, None]).sum(axis=1) <= _K).mean())


if __name__ == "__main__":
    main()
