"""Browsing: how a request for counts, a listing or suggestions becomes an answer, stage by stage."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct

from service.queries.browse_kinds import Made, browse_kind_of
from service.queries.request_exclusions import exclusions_of
from service.queries.resolved_selection import ResolvedSelection
from service.queries.stage_tools import StageTools
from service.schemas.browsing import BrowseAnswer
from service.schemas.requests import Selection
from service.schemas.stages import StageName

# A million rows are counted in some tens of milliseconds: two at once, whoever else waits for an answer.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="browse")
# Rows that are changed all the time are read once more where they lie still, in the event loop.
_TRIES = 3


def begin(tools: StageTools, resolved: ResolvedSelection) -> None:
    """The rules' context, and where the page before ended."""
    resolved.begun = tools.pagination.begin_selection(resolved.query, resolved.context_field)
    resolved.compiled = tools.loaded.rules.compile(resolved.begun.context)


def exclude(tools: StageTools, resolved: ResolvedSelection) -> None:
    """The rows that must not come back to this request."""
    resolved.excluded = exclusions_of(resolved.query, tools.rows)


def select(tools: StageTools, resolved: ResolvedSelection) -> None:
    """All rows that the rules let pass, by the columns; what is shown of one is re-checked by itself again."""
    resolved.selected = tools.selector.of(resolved.compiled, resolved.excluded)


class BrowseStage(Struct, frozen=True):
    """What a stage decides and the file to read; `run` is None for what does not happen here, in its turn."""

    name: StageName
    decides: str
    file: str
    run: Callable[[StageTools, ResolvedSelection], None] | None = None


BROWSE_STAGES: tuple[BrowseStage, ...] = (
    BrowseStage("release", "the release that answers", "queries/release_router.py"),
    BrowseStage("context", "what the rules know of the request", "queries/pagination.py", begin),
    BrowseStage("exclusions", "what must not come back", "queries/request_exclusions.py", exclude),
    BrowseStage("re-check", "all rows that the rules let pass", "browsing/selected_rows.py", select),
    # Once the rows are known.
    BrowseStage("page", "what is told of them", "queries/browse_kinds.py"),
)


async def browse(tools: StageTools, query: Selection, context_field: str) -> BrowseAnswer:
    """The answer to a request; `context_field` is where the context's fields stand in it. Raises a ProblemError."""
    resolved = ResolvedSelection(query, context_field)
    for stage in BROWSE_STAGES:
        if stage.run is not None:
            stage.run(tools, resolved)

    async def apart(made: Made) -> Any:
        for _ in range(_TRIES):
            done = await asyncio.get_running_loop().run_in_executor(_THREADS, made, resolved.selected)
            if resolved.selected.seq == tools.rows.seq:
                return done
            select(tools, resolved)
        return made(resolved.selected)

    return await browse_kind_of(query).answer(resolved, tools, apart)
