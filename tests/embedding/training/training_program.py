"""Training in a process of its own, to be killed, to be one of several, or to run out of memory."""

import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.errors import NearfieldError
from embedding.progress import Reporter
from embedding.rows.schema import Item
from embedding.towers.vocabulary import Vocabulary
from embedding.training.checkpoint import Checkpoints, checkpoint_path
from embedding.training.fit import fit
from embedding.training.training_data import TrainingData
from tests.embedding.planted import train_planted


def train_resumed(folder: Path, config: TrainConfig) -> None:
    """Train on the planted catalogue in `folder`, going on from a checkpoint that is there."""
    train_planted(folder, config, resume=True)


def train_until_killed(folder: Path, config: TrainConfig) -> None:
    """As `train_resumed`; a few steps after it has written a checkpoint it stands still, to be killed."""
    path, offer = checkpoint_path(folder / "model"), Checkpoints.offer
    before = path.stat().st_mtime_ns if path.exists() else 0
    num_since = 0

    def offered(checkpoints: Checkpoints, state: Any) -> None:
        nonlocal num_since
        offer(checkpoints, state)
        num_since += path.exists() and path.stat().st_mtime_ns > before
        if num_since == 3:
            time.sleep(600)

    Checkpoints.offer = offered  # type: ignore[method-assign, assignment]
    train_resumed(folder, config)


def train_short_of_memory(said: Path, spare_bytes: int, config: TrainConfig) -> None:
    """Train with so little memory to spare; what the error says goes to `said`."""
    items = [Item(id=f"i{place}", kind="track", title="T", creator="C") for place in range(50_000)]
    vocabulary = Vocabulary.learn(items, config.features, {})
    encoded = vocabulary.encode(items, np.zeros((len(items), 0), np.float32))
    rows, folds = np.arange(2_000), np.zeros(2_000, np.uint8)
    ones, no_times = np.ones(2_000, np.float32), np.full(2_000, np.nan)
    pairs = Pairs(rows % 100, rows, ones, no_times, rows.astype(np.uint64), folds, folds)
    data = TrainingData(vocabulary, encoded, pairs, rows, np.arange(len(items)))
    # What it imports at its first call is no part of what training takes.
    torch.use_deterministic_algorithms(True)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + spare_bytes, resource.RLIM_INFINITY))
    try:
        fit(data, config, torch.device("cpu"), Reporter("none"))
    except NearfieldError as error:
        said.write_text(str(error))


if __name__ == "__main__":
    train_planted(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=TrainConfig))
