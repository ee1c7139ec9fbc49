"""The text encoder: a sentence-transformers model from a folder, with nothing fetched from a network."""

import os
import threading
from collections.abc import Sequence

# Read by huggingface_hub when it is imported: a model that is not on disk is an error, never a download.
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from embedding.errors import EncoderMissingError
from embedding.protocols import Vectors
from embedding.text.encoder_folder import EncoderFolder
from embedding.text.encoding_lanes import EncodingLanes
from embedding.text.mapped_words import map_word_vectors

# Of the library's bars, also of those that it does not show. The lock that they would make is one for many processes: a
# semaphore of the system's, which a worker that ends at once leaves behind, and Python then warns of.
tqdm.set_lock(threading.RLock())

# What a forward pass holds at once; the library sorts by length before it cuts batches. Real episode texts a second,
# two cores: bfloat16 138 with 16, 132 with 32, 99 with 64; float32 54 with 16, 45 with the library's 32.
_BATCH = 16


class SentenceEncoder:
    """Texts to unit vectors (float32) by any sentence-transformers model.

    Computed in bfloat16 where the CPU has instructions for it, three times as fast (`benchmarks.encoding`). These
    vectors are the same encoder's, with the same hash: their cosine to those of float32 is .9998 or more.
    """

    def __init__(self, folder: EncoderFolder, model: SentenceTransformer) -> None:
        self._folder = folder
        self._model = model
        dims = model.get_embedding_dimension()
        if dims is None:
            raise EncoderMissingError(f"The text encoder in {folder.path} does not say how long its vectors are.")
        self._dims = int(dims)
        self._lanes: EncodingLanes | None = None

    @classmethod
    def load(cls, found: EncoderFolder, device: str = "cpu") -> "SentenceEncoder":
        """The model that `find_encoder` found; EncoderMissingError when its files cannot be read as one."""
        # Loading takes a tenth of a second: the library's bar would be noise on stderr.
        disable_progress_bar()
        try:
            model = SentenceTransformer(str(found.path), device=device, local_files_only=True)
            # Not as an argument of loading: while it reads, the library would make bfloat16 the default of every tensor
            # that any other thread makes.
            model.to(precision(device))
            if device == "cpu":
                map_word_vectors(model, found.path)
        # Each module of a model reads its own files and fails in its own way; the cause goes into the message.
        except Exception as error:
            raise EncoderMissingError(
                f"The files in {found.path} are not a sentence-transformers model that can be loaded "
                f"({type(error).__name__}: {error}). Set `encoder` to a folder that `SentenceTransformer.save` wrote."
            ) from error
        return cls(found, model)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) over the model's files, and over how they are read where that is not all."""
        return self._folder.hash

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self._dims

    @property
    def precision(self) -> torch.dtype:
        """In which vectors are computed; they leave as float32."""
        return next((parameter.dtype for parameter in self._model.parameters()), torch.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of documents, of shape (len(texts), dims), in the order of `texts`.

        Each is encoded behind the model's prompt for documents, where it has one. A text in which the model finds
        nothing to go by (its vector is zero) gets the vector whose components are all equal. Raises ValueError when a
        vector is not finite.
        """
        return self._encode(texts, self._folder.prompts.document)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As `encode`, of queries, behind the model's prompt for them."""
        return self._encode(texts, self._folder.prompts.query)

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.zeros((0, self._dims), np.float32)
        vectors = self._computed(texts, prompt)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all():
            place = int(np.flatnonzero(~np.isfinite(norms[:, 0]))[0])
            raise ValueError(f"The text encoder gave a vector that is not finite for {texts[place][:200]!r}.")
        unit = np.where(norms > 0, vectors / np.maximum(norms, np.finfo(np.float32).tiny), self._dims**-0.5)
        return np.asarray(unit, np.float32)

    def _computed(self, texts: Sequence[str], prompt: str) -> Vectors:
        # A worker that answers has one thread, and so has the text of a query.
        if len(texts) > _BATCH and self._model.device.type == "cpu" and torch.get_num_threads() > 1:
            if self._lanes is None:
                self._lanes = EncodingLanes(self._model, torch.get_num_threads(), _BATCH)
            return self._lanes.encode(texts, prompt)
        # An empty prompt is none; without one the library would take the model's default prompt.
        found = self._model.encode(
            list(texts), prompt=prompt, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(found, np.float32)


def precision(device: str) -> torch.dtype:
    """In what a forward pass is fastest on this machine."""
    # Without instructions of its own for bfloat16 a CPU emulates it, slower than float32.
    can = torch.cpu.get_capabilities()
    native = device == "cpu" and any(can.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if native else torch.float32
