"""Many texts encoded side by side: a thread for each core, each computing batches of its own in one thread of torch.

Torch's own threads share every single operation and spin until the others have done their part, hundreds of times a
batch: on busy cores two of them are slower than one. Lanes meet only where a list of texts ends.
The vectors are those of one thread.
"""

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import torch

from embedding.protocols import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class EncodingLanes:
    """The lanes of one model. Its weights are there once; each lane has a tokenizer: it takes one caller at a time."""

    def __init__(self, model: "SentenceTransformer", num: int, batch: int) -> None:
        """`num`: how many lanes; `batch`: texts that a lane computes at once."""
        self._batch = batch
        self._free: SimpleQueue[SentenceTransformer] = SimpleQueue()
        self._pool = ThreadPoolExecutor(num, thread_name_prefix="encode")
        weights = {id(weight): weight for weight in (*model.parameters(), *model.buffers())}
        for _ in range(num):
            self._free.put(copy.deepcopy(model, dict(weights)))

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        """Vectors (len(texts), dims) as the model gives them behind `prompt`, in the order of `texts`."""
        # Texts of like length together: a batch is as long as its longest.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        batches = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        with _one_thread_each():
            parts = list(
                self._pool.map(lambda places: self._encode([texts[place] for place in places], prompt), batches)
            )
        vectors = np.concatenate(parts)
        vectors[order] = vectors.copy()
        return vectors

    def _encode(self, texts: list[str], prompt: str) -> Vectors:
        model = self._free.get()
        try:
            found = model.encode(
                texts, prompt=prompt, batch_size=self._batch, show_progress_bar=False, convert_to_numpy=True
            )
        finally:
            self._free.put(model)
        return np.asarray(found, np.float32)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Torch computes in one thread in whichever thread asks it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
