"""How a text becomes a ranking: what search modes work with, and which searches a release can answer here."""

import unicodedata
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import QueryTower
from indexing.release.passages import PASSAGES
from indexing.release.release import Release
from indexing.rules.context import RequestContext
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.loaded.loaded_release import LoadedRelease
from service.ranking.contract import Ranking
from service.ranking.encoder_gate import EncoderGate
from service.ranking.hybrid_cache import HybridCache
from service.ranking.nearest import Nearest, Neighbours
from service.ranking.semantic import MaxOverPassages, nearer_passages
from service.ranking.text_query import TextQueries
from service.schemas.answers import Passage
from service.schemas.problems import ProblemError, invalid
from service.schemas.validation import shown

# Unicode's categories of what cannot be seen: controls, format, halves of characters, white space. What its tables do
# not know yet (Cn) may well be a letter.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))


class SearchMode(Protocol):
    """One way to search by a text (service/ranking/search_modes.py lists them)."""

    @property
    def name(self) -> str:
        """As requests name it."""

    @property
    def by_words_alone(self) -> bool:
        """Whether rows without a word of the text are no answer, however few others there are."""

    @property
    def finds_passages(self) -> bool:
        """Whether a row may come by a passage of its text."""

    def likeness_space(self, release: Release) -> str:
        """The space in which hits are compared with one another."""

    def ranks_all_kinds(self, quotas: KindQuotas) -> bool:
        """Whether one ranking has all kinds right that the release has."""

    async def ranking(self, search: "TextSearch", text: str, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """The ranking of what a quota may have; a ProblemError where the release or this worker cannot make it."""


class OfTexts:
    """What holds for every search mode that compares texts with texts, as all but `tower` do."""

    def likeness_space(self, release: Release) -> str:
        """As SearchMode."""
        return "text" if release.has_text else release.space

    def ranks_all_kinds(self, quotas: KindQuotas) -> bool:  # noqa: ARG002  # as SearchMode
        """As SearchMode: the texts of both kinds lie in one space."""
        return True


class TextSearch:
    """Makes rankings of one release's rows for texts."""

    def __init__(
        self,
        encoder: EncoderGate,
        loaded: LoadedRelease,
        neighbours: Neighbours,
        kind_quotas: KindQuotas,
    ) -> None:
        self.encoder, self.neighbours, self.kind_quotas = encoder, neighbours, kind_quotas
        self.queries = TextQueries(loaded.rows)
        self.hybrid_cache = HybridCache()
        self.release = loaded.release
        self._rows, self._tower = loaded.rows, loaded.tower

    async def ranking(self, mode: SearchMode, text: str, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """The ranking in a mode.

        Raises a 400 problem for a text without anything to read, a 409 problem where this release cannot be searched
        in that mode here, and a 503 problem while there is no encoder and the mode needs one.
        """
        stripped = text.strip()
        if all(unicodedata.category(character) in _UNSEEN for character in stripped):
            raise invalid("text", "some words to look for", shown(text))
        return await mode.ranking(self, stripped, quota, excluded)

    def nearest(
        self, vector: NDArray[np.float32], context: RequestContext, excluded: Exclusions, leaked: set[int]
    ) -> Ranking:
        """The ranking by meaning: what is nearest to a vector (dims,), by its own or by a passage of its text."""
        near = self.neighbours
        whole = Nearest(near, vector, using="text", context=context, excluded=excluded, leaked=leaked)
        if not self._has_passages:
            return whole
        passages = Nearest(near, vector, using=PASSAGES, context=context, excluded=excluded, leaked=leaked)
        return MaxOverPassages(self._rows, whole, passages)

    async def passages(self, mode: SearchMode, text: str, rows: list[int]) -> Mapping[int, Passage]:
        """Where the passage stands, for those of `rows` that came by one; for a text that `ranking` took."""
        if not mode.finds_passages or not self._has_passages:
            return {}
        return nearer_passages(rows, self._rows, await self.encoder.vector(text.strip()))

    @property
    def _has_passages(self) -> bool:
        return self.release.passages is not None or bool(self._rows.new.payloads)

    def check_text(self) -> None:
        """A 409 problem where this release has no text vectors."""
        release = self.release
        if not release.has_text:
            raise ProblemError(
                "release-without-text",
                f"Release {release.id} was built without text vectors (--no-text): its `similar` and `recommend` "
                'answer, and its `search` with `"mode": "lexical"`. Build one with text vectors, and activate it.',
            )

    def checked_tower(self) -> QueryTower:
        """The query tower; a 409 problem where it has learnt no text queries."""
        if self._tower is None or not self._tower.reads_queries:
            lacking = "has no model" if self._tower is None else "has a model that has learnt no text queries"
            raise ProblemError(
                "release-without-queries",
                f"Release {self.release.id} {lacking}: its `search` answers in the other modes. Train one with "
                "`text_query_weight` in the config, build a release from it, and activate that.",
            )
        return self._tower

    def check_words(self) -> None:
        """A 409 problem where the release's words were made another way than those of a query are."""
        if self.release.words_way is None:
            raise ProblemError(
                "release-not-loaded",
                f"The words of release {self.release.id} were made another way than they are here: its `similar` and "
                '`recommend` answer, and its `search` with `"mode": "semantic"`. Build again, and activate it.',
            )
