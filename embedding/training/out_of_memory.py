"""Running out of memory while training: an error that says which settings take how much."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from embedding.data.train_config import TrainConfig
from embedding.errors import NearfieldError


@contextmanager
def explain_out_of_memory(config: TrainConfig) -> Iterator[None]:
    """Turn the out-of-memory errors of torch and Python into a NearfieldError that says what to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        # The CPU's allocator has no error of its own.
        if type(error) is RuntimeError and "DefaultCPUAllocator" not in first:
            raise
        logits_mb = 4 * config.batch_size**2 / 1e6
        hard = f"batch_size times hard_negatives ({config.hard_negatives}) times 2,500 bytes; "
        texts = "the vectors of all texts that items are asked for by (text_query_weight); "
        raise NearfieldError(
            f"Memory ran out while training ({first}). What takes it: batch_size ({config.batch_size}) squared, "
            f"{logits_mb:,.0f} MB for each of several matrices; batch_size times train_history_length "
            f"({config.train_history_length or config.history_length}); {hard if config.hard_negatives else ''}"
            f"{texts if config.text_query_weight else ''}and dims ({config.dims}) times 12 bytes for each item. "
            "Lower one of them."
        ) from error
