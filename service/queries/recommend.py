"""`recommend`: items for a listener: one that the release knows, a posted history, or both."""

from collections.abc import Sequence, Set
from typing import Any

from embedding.rows.schema import Kind
from indexing.payload.payload import Payload
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KINDS, KindQuota, liked_kinds
from service.loaded.known_ids import find_entries
from service.queries.history import Listening, by_time, join
from service.queries.pagination import PaginationState
from service.queries.query_source import PlainSource
from service.queries.stage_tools import StageTools
from service.ranking.nearest import Nearest
from service.schemas.problems import Slug, invalid
from service.schemas.requests import RecommendRequest


class Recommend:
    """The kind of query."""

    name = "recommend"
    request = RecommendRequest
    summary = "Items for a listener"
    description = (
        "For a known `user_id`, for a posted `history` of someone never seen, or for both. For someone of whom nothing "
        "is known: what is popular where they are, then what is fresh; each hit then says so as its `source`."
    )
    problems: tuple[Slug, ...] = ("unknown-seeds",)

    def example(self, items: Sequence[Payload]) -> dict[str, Any]:
        """As QueryKind."""
        return {"history": [{"id": item.id} for item in items]}

    def source(self, query: RecommendRequest, pagination: PaginationState, tools: StageTools) -> "Listener":
        """Raises a 400 problem for a request that names nobody, and for listens that may not be unknown."""
        if query.user_id is None and query.history is None:
            raise invalid("user_id", "a user_id, a history ([] for someone who has heard nothing yet), or both")
        known = None if query.user_id is None else tools.release.users.find(query.user_id)
        posted = by_time(query.history or ())
        found = find_entries(tools.rows.find, posted.listens, "history", query.unknown_seeds, none_will_do=True)
        source = Listener(join(known, found, posted.decays), pagination.context.at_s, tools)
        source.rows, source.skipped = found.rows, found.skipped
        if known is not None and pagination.arrangement.exclude_seen:
            source.heard = known.heard
        return source


class Listener(PlainSource):
    """What somebody has heard, as of a time."""

    def __init__(self, listening: Listening, at_s: int, tools: StageTools) -> None:
        self._listening, self._at_s, self._tools = listening, at_s, tools
        # What the listener liked.
        self.seeds = listening.rows[listening.weights > 0].tolist()
        self.likeness_space: str = tools.release.space

    @property
    def kinds(self) -> Set[Kind] | None:
        """The kind that the listener hears most of; all where the model saw likes of them together, or nothing is
        known."""
        heard = self._listening
        if self._tools.kind_quotas.joined or not len(heard.rows):
            return None
        weights = heard.weights if heard.decays is None else heard.weights * heard.decays
        liked = liked_kinds(self._tools.rows, heard.rows, weights)
        return {max(KINDS, key=lambda kind: liked.get(kind, 0.0))}

    async def ranking(self, quota: KindQuota, excluded: Exclusions) -> Nearest | None:
        """What is nearest to what the listener may like next; None where the history says nothing."""
        vector = self._tools.query_vectors.of_listener(self._listening, self._at_s, quota.kind)
        if vector is None:
            return None
        return self._tools.rankings.nearest(vector.vector, using=vector.using, context=quota.context, excluded=excluded)
