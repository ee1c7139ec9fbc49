"""A release in a notebook: what it shows now as vectors with ids, its listeners, texts, neighbours, evaluation."""

import os
import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from embedding.errors import UsageError
from embedding.protocols import TextEncoder, Vectors
from embedding.text.encoder_loading import load_encoder
from embedding.towers.tower_loading import load_towers
from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from indexing.release.manifest import Manifest
from indexing.release.release_encoder import release_encoder
from indexing.releases.retention import hold
from indexing.releases.shown_vectors import shown_rows, shown_vectors, space_of
from indexing.settings import IndexingSettings
from nearfield.notebook.evaluation import evaluate
from nearfield.notebook.id_vectors import IdVectors, Neighbours, check_k, unknown_ids

if TYPE_CHECKING:
    from embedding.runs.evaluate import EvaluateReport
    from embedding.towers.model import Towers

Space = Literal["tower", "text"]


class Release:
    """The items that a release has at the moment of opening: what was put since its build is among them, what was
    removed or taken down is not.

    **For research: no rule is asked.** Neither markets nor windows, explicit, age nor blocklists hold here: what is to
    be shown to anybody is asked of the service.

    While it is open (`close`, or the end of a `with`), the release is not removed from the disk.
    """

    def __init__(self, rows: CurrentRows, settings: IndexingSettings) -> None:
        """Use `nearfield.open`."""
        self._rows = rows
        self._release = rows.release
        self._settings = settings
        self._vectors: dict[str, IdVectors] = {}
        held = hold(self._release.folder)
        self._let_go = weakref.finalize(self, _close, held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        dims = ", ".join(f"{space} {size}-d" for space, size in self.manifest.dims.items())
        return f"<Release {self.id}: {len(self.items):,} items, {len(self.users):,} users; {dims}>"

    def close(self) -> None:
        """Let the release be removed, as far as this process is concerned."""
        self._let_go()

    @property
    def id(self) -> str:
        """Its name."""
        return self._release.id

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        return self._release.manifest

    @property
    def revision(self) -> int:
        """A number that rises with each change since the build; 0: as it was built."""
        return self._rows.revision

    @cached_property
    def items(self) -> list[str]:
        """Ids of its items, in the order of `vectors`."""
        return [self._rows.id_of(row) for row in shown_rows(self._rows).tolist()]

    @cached_property
    def users(self) -> list[str]:
        """Ids of the listeners that it knows, in the order of `user_vectors`."""
        return self._release.users.ids()

    def payloads(self, ids: Sequence[str]) -> list[Payload]:
        """What it keeps of some items besides their vectors: title, creator, tags and so on. NotFoundError names ids
        that it has not."""
        rows = [self._rows.find(text) for text in ids]
        self._refuse_unknown(ids, rows)
        return [self._rows.payload(row) for row in rows]

    def vectors(self, ids: Sequence[str] | None = None, space: Space | None = None) -> IdVectors:
        """Ids and unit vectors (N, D) of all its items, or of `ids` in their order.

        `space`: `tower` (what listeners hear together) or `text` (what the texts mean); None is the one that answers
        `similar`. NotFoundError names ids that it has not, UsageError spaces that it has.
        """
        named = space_of(self._release, space)
        if ids is None:
            if named not in self._vectors:
                parts = [vectors for _, vectors in shown_vectors(self._rows, named)]
                empty = np.zeros((0, self.manifest.dims[named]), np.float32)
                self._vectors[named] = IdVectors(self.items, np.concatenate([empty, *parts]))
            return self._vectors[named]
        rows = [self._rows.find(text) for text in ids]
        self._refuse_unknown(ids, rows)
        return IdVectors(list(ids), np.array(self._rows.vectors(named, np.asarray(rows, np.int64))))

    def user_vectors(self, ids: Sequence[str] | None = None, at_s: float | None = None) -> IdVectors:
        """Ids and unit vectors (U, D) of all its listeners, or of `ids`, in the space `tower`: their histories through
        the query tower, as `recommend` asks.

        `at_s`: epoch seconds of the request, of which the hour counts; None where not known. UsageError for a release
        without a model, NotFoundError for listeners that it does not know.
        """
        if "tower" not in self.manifest.dims:
            raise UsageError(
                f"Release {self.id} has no model, and so no vectors of listeners: build one with --model MODEL."
            )
        wanted = self.users if ids is None else list(ids)
        found = [self._release.users.find(text) for text in wanted]
        missing = [text for text, history in zip(wanted, found, strict=True) if history is None]
        if missing:
            raise unknown_ids(missing, self.users)
        vectors = np.empty((len(wanted), self.manifest.dims["tower"]), np.float32)
        for place, history in enumerate(found):
            assert history is not None
            heard = self._rows.vectors("tower", history.rows)
            vectors[place] = self._towers.encode(heard, np.array(history.weights), at_s)
        return IdVectors(wanted, vectors)

    def encode(self, texts: Sequence[str], space: Space = "text") -> Vectors:
        """Unit vectors (len(texts), D) of texts as queries: `text` by the encoder of the release; `tower` by that and
        the query tower, where the model was trained with text queries.

        UsageError for a release that has not what it takes, EncoderMissingError where its encoder is not on this
        machine.
        """
        if not self._release.has_text:
            raise UsageError(f"Release {self.id} was built without text vectors (--no-text): nothing encodes texts.")
        if isinstance(texts, str):
            raise UsageError(f"texts: expected a list of texts, came one text; put it in a list: [{texts[:40]!r}]")
        if space_of(self._release, space) == "tower" and not self._towers.reads_queries:
            raise UsageError(
                f"The model of release {self.id} has learnt no text queries: train with text_query_weight above 0, "
                "or encode into the space 'text'."
            )
        vectors = self._encoder.encode_queries(list(texts))
        if space == "text":
            return vectors
        return np.stack([self._towers.encode_text(vector) for vector in vectors])

    def neighbours(
        self, of: str | Sequence[str] | Vectors, k: int = 10, space: Space | None = None
    ) -> list[Neighbours]:
        """The `k` items nearest to each of `of`, exactly, by a scan of all: ids of items, which are not their own
        neighbours, or vectors (Q, D) of the same space; a single id or vector (D,) is a list of one.

        No rule is asked (see the class): for research, not for showing.
        """
        check_k(k)
        everything = self.vectors(space=space)
        if isinstance(of, np.ndarray):
            return everything.nearest(of, k)
        ids = [of] if isinstance(of, str) else list(of)
        found = everything.nearest(self.vectors(ids, space).vectors, k + 1)
        return [_without(own, near, k) for own, near in zip(ids, found, strict=True)]

    def evaluate(
        self,
        catalogue: Path | str,
        interactions: Path | str,
        *,
        test: Path | str | None = None,
        baselines: Sequence[str] = ("popularity",),
        against: Path | str | None = None,
    ) -> "EvaluateReport":
        """The evaluation of its model: see Model.evaluate. UsageError where it has none."""
        if self._release.model_folder is None:
            raise UsageError(f"Release {self.id} has no model to evaluate: build one with --model MODEL.")
        return evaluate(self._release.model_folder, self._settings, catalogue, interactions, test, baselines, against)

    def _refuse_unknown(self, ids: Sequence[str], rows: Sequence[int]) -> None:
        missing = [text for text, row in zip(ids, rows, strict=True) if row < 0]
        if missing:
            raise unknown_ids(missing, self.items)

    @cached_property
    def _towers(self) -> "Towers":
        assert self._release.model_folder is not None, "only a release with a model has tower vectors"
        towers = load_towers(self._release.model_folder)
        self._release.check_tower(towers.model_hash)
        return towers

    @cached_property
    def _encoder(self) -> TextEncoder:
        folder = release_encoder(self._release, self._settings)
        assert folder is not None, "only a release with text vectors comes here"
        return load_encoder(folder)


def _without(own: str, near: Neighbours, k: int) -> Neighbours:
    kept = [place for place, text in enumerate(near.ids) if text != own][:k]
    return Neighbours([near.ids[place] for place in kept], near.scores[kept])


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
