"""One finished release, opened read-only: what retrieval reads besides the engine."""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from embedding.errors import MismatchError
from embedding.rows.names import NAMES_VERSION
from indexing.columns.arrangement_features import ArrangementFeatures
from indexing.columns.columns import Columns, PointRows
from indexing.columns.field_columns import FieldColumns
from indexing.columns.postings import MarksRows
from indexing.columns.presorted import PresortedLists
from indexing.columns.rekeyed import RekeyedColumns, RekeyedCreators, RekeyedFeatures
from indexing.columns.rule_combinations import RuleCombinations
from indexing.filters.algebra import Filter
from indexing.payload.availability import AvailabilityClasses
from indexing.release.engine_keys import prepared_for_stored_keys
from indexing.release.manifest import Manifest, read_manifest
from indexing.release.passages import PASSAGES, Passages, passages_collection
from indexing.release.users import Users
from indexing.stores.contract import VectorStore
from indexing.stores.words_check import rows_of_other_words
from indexing.words.bm25 import words_hash
from indexing.words.sparse import Sparse
from indexing.words.ways import WordsWay, way_of

# Enough to tell another build's collection from this one's; each costs microseconds.
_SAMPLED_ROWS = 16


class Release:
    """A release folder: manifest, columns, users, availability classes and, where there is one, the model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        columns = folder / "columns"
        rekeyed = None if self.manifest.names_version == NAMES_VERSION else RekeyedColumns(columns)
        self.columns = rekeyed or Columns(columns)
        self.fields = FieldColumns(columns, None if rekeyed is None else RekeyedCreators(rekeyed))
        self.features = ArrangementFeatures(columns) if rekeyed is None else RekeyedFeatures(columns, rekeyed)
        self._rekeyed = rekeyed
        self.users = Users(folder / "users")
        self.classes = AvailabilityClasses.load((columns / "classes.msgpack").read_bytes())
        self.presorted = PresortedLists(columns)
        self.passages = Passages.of(folder, self.columns)
        """Of its long texts; None where it has none."""

    @property
    def id(self) -> str:
        """Name of the release and of its collection; sorts by the time of its build."""
        return self.manifest.id

    @property
    def space(self) -> str:
        """The named vector that answers `similar` and `recommend`."""
        return self.manifest.space

    @property
    def rule_combinations(self) -> RuleCombinations:
        """The combinations of what most rules read."""
        return self.fields.combinations

    @property
    def creators(self) -> MarksRows:
        """The rows of each creator."""
        return self.fields.creators

    @property
    def model_folder(self) -> Path | None:
        """The model's copy inside the release, None for a release of text only."""
        return self.folder / "model" if self.manifest.model_hash else None

    @property
    def has_text(self) -> bool:
        """Whether its items have text vectors."""
        return self.manifest.encoder_hash is not None

    def look_at_names(self) -> None:
        """Find out now what the names of an older release say differently, not while somebody waits for an answer."""
        if self._rekeyed is not None:
            _ = self._rekeyed.differences, self._rekeyed.stored_keys

    def engine_form(self, prepare: Callable[[Filter], Any]) -> Callable[[Filter], Any]:
        """How the engine is asked for what a filter asks for: by `prepare` (VectorStore.prepare), in the words that its
        points were written in; NOT_IN_ENGINE for what they cannot tell."""
        return prepare if self._rekeyed is None else partial(prepared_for_stored_keys, self._rekeyed, prepare)

    def share(self, where: Filter) -> float:
        """Part of the points (0 to 1) that passes `where`."""
        return self.fields.share(where)

    def check_tower(self, model_hash: str) -> None:
        """MismatchError when the query tower at hand is not the one whose candidates are indexed here."""
        if model_hash != self.manifest.model_hash:
            raise MismatchError(
                f"The query tower has model hash {model_hash}, release {self.id} was built with "
                f"{self.manifest.model_hash}. Activate the release of that model, or build one."
            )

    @cached_property
    def words_way(self) -> WordsWay | None:
        """How its words were made, and those of what is asked of it and put into it must be; None where nobody here
        knows how."""
        return way_of(self.manifest.words_hash)

    def checked_words_way(self) -> WordsWay:
        """`words_way`; MismatchError where there is none."""
        way = self.words_way
        if way is None:
            raise MismatchError(
                f"Words are made with hash {words_hash()} here, release {self.id} was built with "
                f"{self.manifest.words_hash}. Build again."
            )
        return way

    def asked(self, text: str) -> Sparse:
        """The words of a text, each with its weight in this release; MismatchError as `checked_words_way`."""
        return self.columns.words.weighed(self.checked_words_way().terms_of(text))

    async def check_collection(self, store: VectorStore) -> None:
        """MismatchError when the engine's points are not those of columns and passages: counts, then sampled vectors
        and words."""
        rows = await self._check(store, self.id, self.columns, tuple(self.manifest.dims), "rows")
        wrong = await rows_of_other_words(store, self.id, self.columns.words, rows)
        if wrong:
            raise MismatchError(
                f"Collection {self.id} holds other words than its release, for rows {wrong}. Build again."
            )
        if self.passages is not None:
            await self._check(store, passages_collection(self.id), self.passages, (PASSAGES,), "passages")

    async def _check(
        self, store: VectorStore, collection: str, points: PointRows, spaces: tuple[str, ...], called: str
    ) -> list[int]:
        """The rows that were sampled."""
        await store.open(collection)
        count = await store.count(collection)
        if count != len(points):
            raise MismatchError(
                f"Collection {collection} holds {count} points, its release has {len(points)} {called}. Build again."
            )
        rows: list[int] = np.unique(np.linspace(0, count - 1, num=_SAMPLED_ROWS).astype(np.int64)).tolist()
        for space in spaces:
            stored = await store.vectors(collection, rows, using=space)
            if not np.allclose(stored, points.vectors(space)[rows], atol=1e-5):
                raise MismatchError(
                    f"Collection {collection} holds other {space} vectors than its release (model "
                    f"{self.manifest.model_hash}, encoder {self.manifest.encoder_hash}). Build again."
                )
        return rows
