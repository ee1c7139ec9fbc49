"""The pipeline: how a query becomes an answer, stage by stage. The service's table of contents."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import cast

from msgspec import Struct

from indexing.stores.answer_budget import AnswerBudget, Lacking
from service.queries import stages
from service.queries.browse_pipeline import browse
from service.queries.explain import looked_for
from service.queries.resolved_query import ResolvedQuery
from service.queries.stage_tools import StageTools
from service.queries.why import WhyAnswer
from service.schemas.answers import Answer, Hit
from service.schemas.browsing import BrowseAnswer
from service.schemas.requests import Query, Selection
from service.schemas.shown_rows import NamedFields
from service.schemas.stages import StageName

Run = Callable[[StageTools, ResolvedQuery], Awaitable[None] | None]


class Stage(Struct, frozen=True):
    """What a stage decides and the file to read; `run` is None for what does not happen once a query, in its turn."""

    name: StageName
    decides: str
    file: str
    run: Run | None = None


STAGES: tuple[Stage, ...] = (
    # Before the pipeline, which is made of one release.
    Stage("release", "the release that answers: the named, the cursor's or the live one", "queries/release_router.py"),
    Stage(
        "context", "what the rules know of the request; where its page begins", "queries/pagination.py", stages.begin
    ),
    Stage(
        "query",
        "what it searches with: seeds, a history, words, a vector",
        "queries/query_kinds.py",
        stages.find_source,
    ),
    Stage("exclusions", "what must not come back to this request", "queries/request_exclusions.py", stages.exclude),
    Stage(
        "retrieval", "by which ranking rows are found, kind by kind or all at once", "ranking/rankings.py", stages.rank
    ),
    # Whenever the arrangement asks a ranking for more rows.
    Stage("re-check", "which rows the rules let pass, whatever the index says", "loaded/recheck.py"),
    Stage(
        "fallback", "what comes where nothing is known to search with", "ranking/fallback_chain.py", stages.fall_back
    ),
    Stage(
        "arrangement",
        "caps, diversity, boosts: the rows in the order to be shown",
        "arranging/arranger.py",
        stages.arrange,
    ),
    Stage("page", "why there are fewer than asked for; the next cursor", "arranging/page.py", stages.finish_page),
    Stage("explanation", "why each hit is where it is", "queries/explain.py", stages.explain),
)


class Pipeline:
    """Answers validated queries from one loaded release; every method raises a ProblemError or a StoreError, and does
    not wait for the engine beyond `timeout_s`; None where the engine is in this process, and never away."""

    def __init__(self, tools: StageTools, timeout_s: float | None, stages: Sequence[Stage] = STAGES) -> None:
        self.tools = tools
        self._timeout_s = timeout_s
        runs = [(stage.name, stage.run) for stage in stages if stage.run is not None]
        self._runs: list[Run] = [run for _, run in runs]
        names = [name for name, _ in runs]
        self._before_arrangement = self._runs[: names.index("arrangement")]

    async def answer(self, query: Query, *, context_field: str = "context.") -> Answer:
        """The answer to a query; `context_field` is where the context's fields stand in the request."""
        resolved = ResolvedQuery(query, context_field)
        lacking: tuple[Lacking, ...] = ()
        if self._timeout_s is None:
            await self._run(self._runs, resolved)
        else:
            with AnswerBudget(self._timeout_s) as budget:
                await self._run(self._runs, resolved)
            lacking = budget.lacking
        page, tools = resolved.page, self.tools
        named = None
        if query.fields is not None:
            named = NamedFields(query.fields, lambda payload: looked_for(resolved, payload.kind))
        spaces = resolved.ranking.spaces_of(page.rows)
        # Encoded already, row by row; the encoder takes them over as they are.
        hits = cast(
            "Sequence[Hit]",
            tools.shown_rows.hits(
                page.rows, page.scores, spaces, page.sources, resolved.explanations, resolved.passages, named
            ),
        )
        return Answer(
            hits,
            tools.release.id,
            tools.rows.revision,
            resolved.next_cursor,
            page.short_reason,
            resolved.source.skipped,
            lacking,
        )

    async def browse(self, query: Selection, *, context_field: str = "context.") -> BrowseAnswer:
        """The answer to a request for counts, a listing or suggestions (service/queries/browse_pipeline.py)."""
        return await browse(self.tools, query, context_field)

    async def why(self, item_id: str, query: Query) -> WhyAnswer:
        """Why an item came, or did not; a 404 problem for one that the catalogue does not have."""
        resolved = ResolvedQuery(query)
        with nullcontext() if self._timeout_s is None else AnswerBudget(self._timeout_s):
            await self._run(self._before_arrangement, resolved)
            return await self.tools.why.answer(item_id, resolved)

    async def _run(self, runs: Sequence[Run], resolved: ResolvedQuery) -> None:
        for run in runs:
            waiting = run(self.tools, resolved)
            if waiting is not None:
                await waiting
