"""How a text becomes a ranking: by its meaning, by its words, by both, or by what the tower has learnt of texts."""

import asyncio
import unicodedata

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import QueryTower
from indexing.release.passages import PASSAGES
from indexing.rules.context import RequestContext
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.loaded.loaded_release import LoadedRelease
from service.ranking.contract import Ranking
from service.ranking.encoder_gate import EncoderGate
from service.ranking.hybrid import FIRST_POOL, Hybrid
from service.ranking.hybrid_blocks import HybridBlocks
from service.ranking.lexical import Lexical
from service.ranking.nearest import Nearest, Neighbours
from service.ranking.semantic import MaxOverPassages, nearer_passages
from service.ranking.text_query import TextQueries
from service.schemas.answers import Passage
from service.schemas.problems import ProblemError, invalid
from service.schemas.requests import SearchRequest
from service.schemas.validation import shown

# Unicode's categories of what cannot be seen: control characters, marks of format, white space.
_UNSEEN = frozenset("CZ")
_NONE = Exclusions(frozenset())


class TextSearch:
    """Makes rankings of one release's rows for texts."""

    def __init__(
        self,
        encoder: EncoderGate,
        encoder_hash: str | None,
        served: LoadedRelease,
        among: Neighbours,
        kinds: KindQuotas,
    ) -> None:
        self._release, self._rows, self._among = served.release, served.rows, among
        self._tower, self._kinds = served.tower, kinds
        self._encoder, self._encoder_hash = encoder, encoder_hash
        self._queries = TextQueries(served.rows)
        self._blocks = HybridBlocks()

    async def ranking(self, query: SearchRequest, part: KindQuota, excluded: Exclusions) -> Ranking:
        """The ranking in the mode that `query` asks for; of a kind that the tower knows nothing of, by meaning.

        Raises a 400 problem for a text without anything to read, a 409 problem where this release cannot be searched
        in that mode here, and a 503 problem while there is no encoder and the mode needs one.
        """
        context = part.context
        text = query.text.strip()
        if all(unicodedata.category(character)[0] in _UNSEEN for character in text):
            raise invalid("text", "some words to look for", shown(query.text))
        if query.mode == "lexical":
            self._check_words()
            return Lexical(self._among, self._queries.words(text), context=context, excluded=excluded)
        self._check_text()
        if query.mode == "tower":
            tower = self._checked_tower()
            if self._kinds.in_tower(part.kind):
                vector = tower.encode_text(await self._encoder.vector(text))
                return Nearest(self._among, vector, using=self._release.space, context=context, excluded=excluded)
        if query.mode in ("semantic", "tower"):
            return self._nearest(await self._encoder.vector(text), context, excluded, set())
        self._check_words()
        # Found by its meaning and by its words, a row is one leak.
        leaked: set[int] = set()
        words = self._queries.words(text)
        lexical = Lexical(self._among, words, context=context, excluded=_NONE, leaked=leaked)
        encoded = self._encoder.known(text)
        if encoded is None:
            # The engine looks for the words while the encoder's thread is at work; the finder keeps what it finds.
            both = await asyncio.gather(self._encoder.vector(text), lexical.first(FIRST_POOL))
            encoded = both[0]
        return Hybrid(
            self._among,
            self._nearest(encoded, context, _NONE, leaked),
            lexical,
            self._queries.meaning(text, encoded),
            words,
            self._blocks,
            text=text,
            context=context,
            excluded=excluded,
            leaked=leaked,
        )

    def _nearest(
        self, vector: NDArray[np.float32], context: RequestContext, excluded: Exclusions, leaked: set[int]
    ) -> Ranking:
        whole = Nearest(self._among, vector, using="text", context=context, excluded=excluded, leaked=leaked)
        if not self._has_passages:
            return whole
        passages = Nearest(self._among, vector, using=PASSAGES, context=context, excluded=excluded, leaked=leaked)
        return MaxOverPassages(self._rows, whole, passages)

    async def passages(self, query: SearchRequest, rows: list[int]) -> dict[int, Passage]:
        """Where the passage stands, for those of `rows` that came by one; for a query that `ranking` took."""
        if query.mode in ("lexical", "tower") or not self._has_passages:
            return {}
        return nearer_passages(rows, self._rows, await self._encoder.vector(query.text.strip()))

    @property
    def _has_passages(self) -> bool:
        return self._release.passages is not None or bool(self._rows.new.payloads)

    def _check_text(self) -> None:
        release = self._release
        if not release.has_text:
            raise ProblemError(
                "release-without-text",
                f"Release {release.id} was built without text vectors (--no-text): its `similar` and `recommend` "
                'answer, and its `search` with `"mode": "lexical"`. Build one with text vectors, and activate it.',
            )
        if release.manifest.encoder_hash != self._encoder_hash:
            raise ProblemError(
                "release-not-loaded",
                f"Release {release.id} has vectors of text encoder {release.manifest.encoder_hash}, another one than "
                'is loaded here: its `similar` and `recommend` answer, and its `search` with `"mode": "lexical"`.',
            )

    def _checked_tower(self) -> QueryTower:
        if self._tower is None or not self._tower.reads_queries:
            lacking = "has no model" if self._tower is None else "has a model that has learnt no text queries"
            raise ProblemError(
                "release-without-queries",
                f"Release {self._release.id} {lacking}: its `search` answers in the other modes. Train one with "
                "`text_query_weight` in the config, build a release from it, and activate that.",
            )
        return self._tower

    def _check_words(self) -> None:
        if not self._release.has_words_of_here:
            raise ProblemError(
                "release-not-loaded",
                f"The words of release {self._release.id} were made another way than they are here: its `similar` and "
                '`recommend` answer, and its `search` with `"mode": "semantic"`. Build again, and activate it.',
            )
