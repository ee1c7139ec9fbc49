"""The training pairs of a task as a sparse matrix of users and items, which most baselines are fitted to."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import sparse

from embedding.data.task import Task


class UserItems(Struct, frozen=True):
    """`matrix` (U, N): one where a user liked a candidate in training; `rows` (Q,): row of each user of the task.

    A user of the task without a training pair has an empty row.
    """

    matrix: sparse.csr_matrix
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, task: Task) -> "UserItems":
        """The positive training pairs of `task`."""
        pairs = task.train.where(task.train.positive)
        users = np.union1d(task.users, pairs.users)
        entries = (np.searchsorted(users, pairs.users), task.places_of(pairs.items))
        shape = (len(users), len(task.candidates))
        ones = np.ones(len(pairs), np.float32)
        return cls(sparse.csr_matrix((ones, entries), shape=shape), np.searchsorted(users, task.users))

    @property
    def of_task(self) -> sparse.csr_matrix:
        """The rows (Q, N) of the task's users, in their order."""
        return self.matrix[self.rows]
