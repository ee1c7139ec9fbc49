"""The towers as a scorer: each user's newest training items, through the query tower, against all candidates."""

import numpy as np
import torch
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.evaluation.dot_product import DotProductScorer
from embedding.protocols import Vectors
from embedding.towers.history import Histories
from embedding.towers.query_tower import QueryTower

_USERS_AT_ONCE = 4_096


def query_vectors(
    query: QueryTower,
    config: TrainConfig,
    pairs: Pairs,
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    vectors: Vectors,
) -> Vectors:
    """Unit vectors (U, D) of `users` (U,), each of the newest items that `pairs` have of them; of an empty history
    where they have none. The hour is unknown for everybody.

    `vectors` (M, D): candidate vectors of the catalogue rows `rows` (M,), ascending, every item of `pairs` among them.
    """
    histories = Histories.of(pairs, np.searchsorted(rows, pairs.items), config, torch.device("cpu"))
    heard = torch.from_numpy(vectors)
    with torch.inference_mode():
        parts = [
            query(heard, histories.newest(some, config.history_length)).numpy()
            for some in np.split(users, range(_USERS_AT_ONCE, len(users), _USERS_AT_ONCE))
        ]
    return np.concatenate(parts)


class TowerScorer(DotProductScorer):
    """Scores by the dot product of query and candidate vector.

    A user without a training pair has an empty history; the hour is unknown for everybody.
    """

    def __init__(
        self, query: QueryTower, config: TrainConfig, task: Task, rows: NDArray[np.int64], vectors: Vectors
    ) -> None:
        """`vectors` (M, D): candidate vectors of the catalogue rows `rows` (M,), ascending.

        They must have every candidate of the task and every item of its training pairs.
        """
        pairs = task.train.where(np.isin(task.train.users, task.users))
        queries = query_vectors(query, config, pairs, task.users, rows, vectors)
        super().__init__(queries, vectors[np.searchsorted(rows, task.candidates)])
