"""Word vectors that stay in their file: read page by page where they are used, and shared by all processes.

An encoder of many languages has nine tenths of its weights in its word vectors, of which a text needs a few rows.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

_WEIGHTS = "model.safetensors"


class MappedEmbedding(nn.Module):
    """Rows of a table of word vectors, in the number format of the layers that read them."""

    def __init__(self, table_VD: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        # Not registered: what moves or converts the model would copy all of it.
        self._table_VD = (table_VD,)
        self._dtype = dtype

    def forward(self, pieces_BL: Tensor) -> Tensor:
        """Vectors (batch, length, dims) of pieces by their numbers."""
        return functional.embedding(pieces_BL, self._table_VD[0]).to(self._dtype)


def map_word_vectors(model: SentenceTransformer, folder: Path) -> None:
    """Where the model's word vectors lie in bfloat16 in a safetensors file, leave them there; else change nothing."""
    network, weights = getattr(model[0], "auto_model", None), folder / _WEIGHTS
    if not isinstance(network, PreTrainedModel) or not weights.is_file():
        return
    words = network.get_input_embeddings()
    (name,) = (f"{name}.weight" for name, module in network.named_modules() if module is words)
    with safe_open(weights, "pt") as file:
        table_VD = file.get_tensor(name) if name in file.keys() else None  # noqa: SIM118  # not a dict
    if table_VD is not None and table_VD.dtype == torch.bfloat16:
        network.set_input_embeddings(MappedEmbedding(table_VD, words.weight.dtype))
