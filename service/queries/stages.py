"""The stages of the pipeline, one function each; service/queries/pipeline.py has their order."""

from msgspec.structs import replace

from indexing.filters.algebra import fields_of
from service.queries.query_kinds import kind_of
from service.queries.request_exclusions import exclusions_of
from service.queries.resolved_query import ResolvedQuery
from service.queries.stage_tools import StageTools
from service.ranking.interleaving import Interleaved, RankedQuota
from service.ranking.threshold import above


def begin(tools: StageTools, resolved: ResolvedQuery) -> None:
    """The rules' context and the arrangement of the whole list, and what earlier pages have shown."""
    resolved.pagination = tools.pagination.begin(resolved.query, resolved.context_field)


def find_source(tools: StageTools, resolved: ResolvedQuery) -> None:
    """The seeds, the history, the words or the vector that this kind of query searches with."""
    kind = kind_of(resolved.query)
    source = resolved.source = kind.source(resolved.query, resolved.pagination, tools)
    if _names_no_kinds(resolved) and (kinds := source.kinds) is not None:
        context = tools.kind_quotas.narrowed_to(resolved.pagination.context, kinds)
        if context is not resolved.pagination.context:
            resolved.pagination = replace(resolved.pagination, context=context)


def _names_no_kinds(resolved: ResolvedQuery) -> bool:
    """Whether a request leaves it to what it searches with which kinds come: by `kinds`, `mix` and filter alike."""
    where = resolved.pagination.context.filter
    return (
        resolved.query.kinds is None
        and resolved.query.mix is None
        and (where is None or "kind" not in fields_of(where))
    )


def exclude(tools: StageTools, resolved: ResolvedQuery) -> None:
    """The rows that must not come back to this request."""
    source = resolved.source
    resolved.excluded = exclusions_of(resolved.query, tools.rows, asked_with=source.rows, heard=source.heard)


async def rank(tools: StageTools, resolved: ResolvedQuery) -> None:
    """A ranking for each kind that is ranked by itself, or one for all."""
    context, source = resolved.pagination.context, resolved.source
    resolved.quotas = tools.kind_quotas.of(context, resolved.query.mix, together=source.kinds_together)
    rankings = [await source.ranking(quota, resolved.excluded) for quota in resolved.quotas]
    threshold = resolved.query.score_threshold
    resolved.rankings = [None if ranking is None else above(ranking, threshold) for ranking in rankings]


def fall_back(tools: StageTools, resolved: ResolvedQuery) -> None:
    """What is popular, then what is fresh, where nothing is known to search with; all kinds in one ranking."""
    rankings = [
        tools.rankings.fallback(quota.context, resolved.excluded, resolved.query.score_threshold)
        if ranking is None
        else ranking
        for quota, ranking in zip(resolved.quotas, resolved.rankings, strict=True)
    ]
    if len(rankings) == 1:
        resolved.ranking = rankings[0]
        return
    ranked = [
        RankedQuota(quota.quota, ranking, quota.kind) for quota, ranking in zip(resolved.quotas, rankings, strict=True)
    ]
    resolved.ranking = Interleaved(tools.rows, ranked, tells_filled=resolved.query.mix is not None)


async def arrange(tools: StageTools, resolved: ResolvedQuery) -> None:
    """The rows of this page in the order to be shown."""
    pagination = resolved.pagination
    resolved.page = await tools.pages.cut(
        resolved.ranking,
        pagination.context,
        resolved.query.limit,
        using=resolved.source.likeness_space,
        arrangement=pagination.arrangement,
        shown_before=pagination.shown_before,
        still_passes=pagination.still_passes,
        given=tools.pages.given(resolved.source.rows, resolved.source.heard),
    )


def finish_page(tools: StageTools, resolved: ResolvedQuery) -> None:
    """Why the page is short, where it is, and the cursor of the next one, where there is one."""
    page, pagination = resolved.page, resolved.pagination
    if page.short_reason is not None and not page.cut:
        own = resolved.source.short_reason(page, len(pagination.shown_before.rows))
        if own is not None:
            page = resolved.page = replace(page, short_reason=own)
    resolved.next_cursor = tools.pagination.next_cursor(resolved.query, pagination, page)


async def explain(tools: StageTools, resolved: ResolvedQuery) -> None:
    """Why each hit is where it is, if that was asked, and by which passage of its text it came."""
    resolved.explanations = tools.explainer.explained(resolved) if resolved.query.explain else {}
    resolved.passages = await resolved.source.passages(resolved.page.rows)
