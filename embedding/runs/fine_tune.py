"""Fine-tuning of a sentence-transformers model by its own trainer: in-batch negatives among pairs of texts."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.losses.gradcache import has_static_embedding_input
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from transformers import PrinterCallback, TrainerCallback
from transformers.utils.logging import disable_progress_bar

from embedding.errors import NearfieldError, RejectedInputError
from embedding.progress import Advance, Reporter
from embedding.protocols import Vectors
from embedding.runs.language_batches import LanguageBatches
from embedding.runs.text_pairs import TextPair
from embedding.text.prompts import Prompts
from embedding.text.sentence_encoder import precision

# Pairs of a batch, each a negative of the others; and pairs computed at once, which decides how much memory it takes.
_BATCH, _AT_ONCE = 512, 32
# Texts encoded between two reports of progress.
_PART_TEXTS = 64
_LEARNING_RATE = 2e-4
_WARM_UP_SHARE = 0.1
# Characters of a text that are read in training: as many as the packaged model reads of an Italian one.
_CHARS = 640


def load_model(folder: Path, device: str) -> SentenceTransformer:
    """The model in `folder`, in float32, its dropout layers off.

    Each pair is seen once or twice, so there is little to overfit; on a CPU, dropout took a quarter of a step, and
    attention with dropout has no fast kernel (docs/log.md).
    """
    disable_progress_bar()
    model = SentenceTransformer(str(folder), device=device, local_files_only=True)
    # A folder may hold half precision, in which Adam's steps are lost or overflow.
    model.float()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    return model


def fine_tune(
    model: SentenceTransformer, pairs: Sequence[TextPair], epochs: int, seed: int, device: str, reporter: Reporter
) -> None:
    """Move the weights of `model` so that both texts of a pair find one another among the others of a batch.

    The loss is the softmax over the batch, both ways, at a scale of 20: Henderson et al., "Efficient natural language
    response suggestion for smart reply", 2017; made symmetric by Günther et al., "Jina embeddings", 2023. A batch is
    computed a few pairs at a time, with the gradients of its vectors cached: Gao et al., "Scaling deep contrastive
    learning batch size under memory limited setup", RepL4NLP 2021. Raises RejectedInputError where no two pairs can be
    negatives of one another, NearfieldError when weights become NaN or infinite.
    """
    disable_progress_bars()
    prompts = model_prompts(model)
    data = Dataset.from_dict(
        {"anchor": [pair.query[:_CHARS] for pair in pairs], "positive": [pair.document[:_CHARS] for pair in pairs]}
    )
    batches = LanguageBatches(pairs, _BATCH, seed)
    if not len(batches):
        raise RejectedInputError(
            f"The {len(pairs)} pairs of texts all share a text or an item, so that none can be told from another; "
            "expected items with titles and texts of their own."
        )
    with tempfile.TemporaryDirectory() as folder, reporter.stage("adapt", epochs * len(batches) * _BATCH) as advance:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            prompts={"anchor": prompts.query, "positive": prompts.document},
            num_train_epochs=epochs,
            per_device_train_batch_size=_BATCH,
            learning_rate=_LEARNING_RATE,
            warmup_steps=_WARM_UP_SHARE,
            batch_sampler=lambda _data, **_settings: batches,
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
            model=model, args=arguments, train_dataset=data, loss=_loss(model), callbacks=[_Advancing(advance)]
        )
        # It would print what it logs to stdout.
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.eval()
    if not all(torch.isfinite(weights).all() for weights in model.parameters()):
        raise NearfieldError(
            f"The text encoder's weights became NaN or infinite while it was adapted on {device}; nothing was written. "
            "Try --device cpu; if it happens there too, the encoder it began with cannot be trained at this rate."
        )


def _loss(model: SentenceTransformer) -> Any:
    both_ways: Any = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    # Models that sum word vectors have no mini-batches, and do not need them.
    if has_static_embedding_input(model):
        return MultipleNegativesRankingLoss(model, **both_ways)
    return CachedMultipleNegativesRankingLoss(model, mini_batch_size=_AT_ONCE, **both_ways)


def model_prompts(model: SentenceTransformer) -> Prompts:
    """What `model` puts before queries and before documents."""
    return Prompts.named(model.prompts, model.default_prompt_name)


def encode_texts(
    model: SentenceTransformer, texts: Sequence[str], prompt: str, advance: Advance = lambda _: None
) -> Vectors:
    """Unit vectors (N, dims) of N texts, one or more, each behind `prompt`.

    `advance` is called with the number of texts done since.
    """
    parts = []
    for start in range(0, len(texts), _PART_TEXTS):
        part = list(texts[start : start + _PART_TEXTS])
        parts.append(
            model.encode(part, prompt=prompt, batch_size=16, show_progress_bar=False, normalize_embeddings=True)
        )
        advance(len(part))
    return np.concatenate(parts).astype(np.float32)


def _has_bfloat16(device: str) -> bool:
    return torch.cuda.is_bf16_supported() if device == "cuda" else precision(device) == torch.bfloat16


class _Advancing(TrainerCallback):  # type: ignore[misc]
    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def on_step_end(self, *_arguments: Any, **_others: Any) -> None:
        """A batch is done."""
        self._advance(_BATCH)
