"""The trained towers, read from a model folder: vectors for catalogue rows and for users."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from embedding.errors import DamagedError, MismatchError
from embedding.protocols import Vectors
from embedding.rows.schema import Item
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.model_folder import WEIGHTS, ModelManifest, verify_model
from embedding.towers.query_tower import QueryTower, history_weights, hour_of
from embedding.towers.vocabulary import Vocabulary

_CPU = torch.device("cpu")


class Towers:
    """Both towers of one model; a QueryTower and a CandidateTower in one."""

    def __init__(
        self, manifest: ModelManifest, vocabulary: Vocabulary, candidate: CandidateTower, query: QueryTower
    ) -> None:
        self.manifest = manifest
        self.vocabulary = vocabulary
        self.candidate = candidate.eval()
        self.query = query.eval()

    @classmethod
    def load(cls, folder: Path) -> "Towers":
        """The model in `folder`.

        Raises NotFoundError, MismatchError or DamagedError as `verify_model` does.
        """
        manifest = verify_model(folder)
        vocabulary = Vocabulary.load(folder)
        candidate = CandidateTower(
            vocabulary.num_ids,
            vocabulary.table_sizes(),
            manifest.text_dims,
            manifest.dims,
            mean_of_tags=manifest.format == 1,
        )
        query = QueryTower(manifest.dims, manifest.text_dims if manifest.config.text_query_weight else 0)
        weights = load_file(folder / WEIGHTS)
        try:
            torch.nn.ModuleDict({"candidate": candidate, "query": query}).load_state_dict(weights)
        except RuntimeError as error:
            raise DamagedError(f"The weights in {folder} do not fit its vocabulary: {error}") from None
        return cls(manifest, vocabulary, candidate, query)

    @property
    def model_hash(self) -> str:
        """Hash of the model folder."""
        return self.manifest.hash

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self.manifest.dims

    @property
    def reads_text(self) -> bool:
        """Whether text is among the features."""
        return "text" in self.manifest.config.features

    @property
    def encoder_hash(self) -> str | None:
        """Hash of the text encoder that the towers were trained with; None where they read no text."""
        return self.manifest.encoder_hash

    @property
    def input_fields(self) -> tuple[str, ...]:
        """Item fields, besides those of the text encoder, that change a candidate's vector."""
        return self.manifest.input_fields

    @property
    def reads_queries(self) -> bool:
        """Whether the query tower takes texts."""
        return self.query.text is not None

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights by name, as `save_weights` writes them."""
        return torch.nn.ModuleDict({"candidate": self.candidate, "query": self.query}).state_dict()

    def encode_items(self, items: Sequence[Item], text_vectors: Vectors) -> Vectors:
        """Unit vectors (N, dims) of N items, whose text vectors are `text_vectors` (N, E).

        A model without text reads no text vectors; (N, 0) will do. Raises MismatchError for another length.
        """
        text_dims = self.manifest.text_dims
        if text_dims == 0:
            text_vectors = np.zeros((len(items), 0), np.float32)
        if text_vectors.shape != (len(items), text_dims):
            raise MismatchError(
                f"The model {self.model_hash} reads text vectors of shape {(len(items), text_dims)}, "
                f"got {text_vectors.shape}: they come from another text encoder than {self.encoder_hash}."
            )
        return encode_rows(self.candidate, self.vocabulary.encode(items, text_vectors))

    def encode(self, history: Vectors, weights: Vectors, at_s: float | None, decays: Vectors | None = None) -> Vectors:
        """One unit vector (dims,) for a user who heard `history` (H, dims), newest last, with `weights` (H,).

        Only the newest `history_length` of the config count. With H = 0 it is the answer for someone of whom
        nothing is known. `at_s`: epoch seconds of the request, None where not known. `decays` (H,), above 0 and at
        most 1: factors on what the config makes of the weights; None where all count in full.
        """
        newest = self.manifest.config.history_length
        with torch.inference_mode():
            heard_HD = torch.from_numpy(np.ascontiguousarray(history[-newest:], np.float32))
            weights_H = torch.from_numpy(np.ascontiguousarray(weights[-newest:], np.float32))
            counted_H = history_weights(weights_H, self.manifest.config)
            if decays is not None:
                counted_H = counted_H * torch.from_numpy(np.ascontiguousarray(decays[-newest:], np.float32))
            vector: Vectors = self.query.one(heard_HD, counted_H, hour_of(at_s)).numpy()
        return vector

    def encode_text(self, text_vector: Vectors) -> Vectors:
        """One unit vector (dims,) for a text query; `text_vector` (E,): the text encoder's vector of it.

        Only where `reads_queries`.
        """
        with torch.inference_mode():
            vector: Vectors = self.query.of_texts(torch.from_numpy(text_vector[None]), self.dims)[0].numpy()
        return vector


def encode_rows(candidate: CandidateTower, items: EncodedItems) -> Vectors:
    """Unit vectors (N, dims) of N items that the tower's vocabulary has encoded."""
    with torch.inference_mode():
        vectors: Vectors = candidate(ItemTensors.of(items, _CPU)).numpy()
    return vectors


def save_weights(folder: Path, candidate: CandidateTower, query: QueryTower) -> None:
    """Write the weights of both towers into `folder`."""
    modules = torch.nn.ModuleDict({"candidate": candidate, "query": query})
    save_file({name: weights.contiguous() for name, weights in modules.state_dict().items()}, folder / WEIGHTS)
