"""One fine-tuning of a sentence-transformers model by its own trainer: each text finds its partner in the batch."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import PrinterCallback, TrainerCallback
from transformers.utils.logging import disable_progress_bar

from embedding.adapt_pairs import TextPair
from embedding.progress import Advance, Reporter
from embedding.protocols import Vectors
from embedding.sentence_encoder import precision

_BATCH = 64
_LEARNING_RATE = 1e-4
_WARM_UP_SHARE = 0.1
# Read of a text while training, 70 to 120 tokens: what it is about stands in front, and half as many again take as much
# longer.
_CHARS = 320


def load_model(folder: Path, device: str) -> SentenceTransformer:
    """The model in `folder`, in float32, its dropout layers off.

    Each pair is seen once, so there is nothing to forget; on a CPU the dice took a quarter of a step, and attention
    whose weights may be dropped is computed the long way (docs/log.md).
    """
    disable_progress_bar()
    model = SentenceTransformer(str(folder), device=device, local_files_only=True)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    return model


def fine_tune(
    model: SentenceTransformer, pairs: Sequence[TextPair], epochs: int, seed: int, device: str, reporter: Reporter
) -> None:
    """Move the weights of `model` so that both texts of a pair find one another among the others of a batch.

    The loss is the softmax over the batch, both ways, at a scale of 20: Henderson et al., "Efficient natural language
    response suggestion for smart reply", 2017; made symmetric by Günther et al., "Jina embeddings", 2023. No text comes
    twice in a batch, or it would be its own partner's negative.
    """
    disable_progress_bars()
    data = Dataset.from_dict(
        {"anchor": [pair.asks[:_CHARS] for pair in pairs], "positive": [pair.answers[:_CHARS] for pair in pairs]}
    )
    loss = MultipleNegativesRankingLoss(
        model, directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
    )
    with tempfile.TemporaryDirectory() as folder, reporter.stage("adapt", epochs * len(pairs)) as advance:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=_BATCH,
            learning_rate=_LEARNING_RATE,
            warmup_steps=_WARM_UP_SHARE,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            bf16=device != "mps" and _has_bfloat16(device),
            use_cpu=device == "cpu",
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = SentenceTransformerTrainer(
            model=model, args=arguments, train_dataset=data, loss=loss, callbacks=[_Advancing(advance)]
        )
        # It would print what it logs to stdout.
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.eval()


def encode_texts(model: SentenceTransformer, texts: Sequence[str]) -> Vectors:
    """Unit vectors (N, dims) of N texts."""
    return np.asarray(
        model.encode(list(texts), batch_size=16, show_progress_bar=False, normalize_embeddings=True), np.float32
    )


def _has_bfloat16(device: str) -> bool:
    return torch.cuda.is_bf16_supported() if device == "cuda" else precision(device) == torch.bfloat16


class _Advancing(TrainerCallback):  # type: ignore[misc]
    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def on_step_end(self, *_arguments: Any, **_others: Any) -> None:
        """A batch is done."""
        self._advance(_BATCH)
