"""`batch`: many queries in one call, each with its own answer or problem."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from service.queries.query_kinds import KINDS, QUERY_KINDS
from service.queries.release_router import ReleaseRouter
from service.schemas.answers import Answer
from service.schemas.problems import Problem, ProblemError, invalid
from service.schemas.requests import component
from service.schemas.validation import decoded, shown

MAX_QUERIES = 50
# Asked at once, so that they share what they read; more in a row would hold every other client for as long.
_AT_ONCE = 8
_EXPECTED = f"an object with one of the keys {', '.join(QUERY_KINDS.names)}"

ProblemOf = Callable[[Exception], ProblemError]


class BatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Queries of any kinds, each the body of its own route under that route's name."""

    queries: Annotated[
        list[Annotated[msgspec.Raw, Meta(extra_json_schema=component("OneQuery"))]],
        Meta(
            min_length=1,
            max_length=MAX_QUERIES,
            description='Each `{"similar": …}`, `{"recommend": …}` or `{"search": …}`, with the body of that route.',
        ),
    ]


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What came of one query: the status that its own route would have had, and the answer or the problem."""

    status: int
    answer: Answer | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True):
    """One outcome for each query, in their order."""

    outcomes: list[Outcome]


class Batch:
    """Answers batches; `problem_of` says what an exception is for a client, and logs it where it must."""

    def __init__(self, router: ReleaseRouter) -> None:
        self._router = router
        self._decoders = {kind.name: msgspec.json.Decoder(kind.request) for kind in KINDS}

    async def answer(self, batch: BatchRequest, problem_of: ProblemOf) -> BatchAnswer:
        """Every query by itself: one that fails says so in its place and stops no other."""

        async def outcome(raw: bytes) -> Outcome:
            try:
                return Outcome(200, await self._one(raw))
            except Exception as error:
                problem = problem_of(error).problem
                return Outcome(problem.status, problem=problem)

        outcomes: list[Outcome] = []
        for start in range(0, len(batch.queries), _AT_ONCE):
            some = batch.queries[start : start + _AT_ONCE]
            outcomes += await asyncio.gather(*(outcome(bytes(raw)) for raw in some))
        return BatchAnswer(outcomes)

    async def _one(self, raw: bytes) -> Answer:
        try:
            named = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError as error:
            raise invalid("query", _EXPECTED, shown(msgspec.Raw(raw))) from error
        if len(named) != 1 or not named.keys() <= self._decoders.keys():
            raise invalid("query", _EXPECTED, shown(sorted(named)))
        ((name, body),) = named.items()
        query = decoded(bytes(body), self._decoders[name], QUERY_KINDS[name].request)
        return await self._router.of(query).answer(query)
