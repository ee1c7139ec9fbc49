"""Protocols of the text encoder and the two towers, for packages that must not import torch."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class TextEncoder(Protocol):
    """Turns texts into unit vectors; the same hash means the same vectors."""

    @property
    def hash(self) -> str:
        """SHA-256 (hex) that another encoder, or another reading of its files, does not have."""

    @property
    def dims(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of documents, of shape (len(texts), dims), in the order of `texts`."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, of shape (len(texts), dims), in the order of `texts`."""


class QueryTower(Protocol):
    """Turns a listening history and its context into a query vector in the candidates' space."""

    @property
    def model_hash(self) -> str:
        """Hash of the model that this tower and its candidate vectors come from."""

    @property
    def dims(self) -> int:
        """Length of a vector."""

    @property
    def reads_queries(self) -> bool:
        """Whether it takes texts as well."""

    def encode_text(self, text_vector: Vectors) -> Vectors:
        """One unit vector of shape (dims,) for a text, by its unit vector from the text encoder; if `reads_queries`."""

    def encode(self, history: Vectors, weights: Vectors, at_s: float | None, decays: Vectors | None = None) -> Vectors:
        """One unit vector of shape (dims,).

        `history`: (H, dims) tower vectors of the items heard, newest last, H >= 1; `weights`: (H,), negative
        for skips; `at_s`: epoch seconds of the request, None where not known; `decays`: (H,), above 0 and at most 1,
        how much each still counts, None where all count in full.
        """


class CandidateTower(Protocol):
    """Turns catalogue rows and their text vectors into the vectors that are indexed."""

    @property
    def model_hash(self) -> str:
        """Hash of the model folder."""

    @property
    def dims(self) -> int:
        """Length of a vector."""

    @property
    def encoder_hash(self) -> str | None:
        """Hash of the text encoder that the tower was trained with; None where it reads no text."""

    @property
    def input_fields(self) -> tuple[str, ...]:
        """Names of the item fields, besides those of the text encoder, that change a candidate's vector."""
