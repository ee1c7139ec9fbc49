"""Which queries stand for a shape of requests, and what the exact answer to each has."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from embedding.protocols import Vectors
from indexing.doctor.contexts import ShapeContexts
from indexing.doctor.examined import ExaminedCollection
from indexing.filters.predicate import predicate
from indexing.rules.compiled import FEW_CREATORS, MOST_FEW_CREATORS, CompiledContext, HardRules
from indexing.rules.context import RequestContext
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.stores.contract import Ranked

K = 10
_NUM_SORTS = 3
# Exact answers worked out together.
_AT_ONCE = 32


class SampledQueries(Struct, frozen=True, kw_only=True):
    """Queries (Q, dims) of one context and one sort; of each its rules, whether they let a row pass, how many rows the
    exact answer has, and the least score among them."""

    queries: Vectors
    compiled: list[CompiledContext]
    passes: list[Callable[[int], bool]]
    num_found: list[int]
    least: list[float]

    def first(self, number: int) -> "SampledQueries":
        """Of its first queries alone."""
        return SampledQueries(
            queries=self.queries[:number],
            compiled=self.compiled[:number],
            passes=self.passes[:number],
            num_found=self.num_found[:number],
            least=self.least[:number],
        )


class QuerySampler:
    """Draws queries for the shapes of one collection; `vectors` (Q, dims) stand for each named vector's requests."""

    def __init__(
        self, examined: ExaminedCollection, rules: HardRules, scan: ColumnScan, vectors: dict[str, Vectors]
    ) -> None:
        self._examined, self._rules, self._scan, self._vectors = examined, rules, scan, vectors

    def of_shape(self, shape: ShapeContexts, using: str, number: int) -> list[SampledQueries]:
        """`number` queries of each of the shape's contexts, a third of each sort: a plan must find enough of each."""
        return [
            self.answered(self._contexts(shape, context, queries, using), queries, using)
            for context in shape.contexts
            for queries in self._of_each_sort(context, using, number)
        ]

    def canary(self, context: RequestContext, using: str, number: int) -> SampledQueries:
        """One query of the `vectors` alone."""
        return self.answered([context], self._vectors[using][number][np.newaxis], using)

    def of_contexts(self, shape: ShapeContexts, using: str) -> list[NearestQuery]:
        """One of each of the shape's contexts."""
        vector = self._vectors[using][0]
        return [NearestQuery(vector, using, self._rules.compile(context), K) for context in shape.contexts]

    def answered(self, contexts: list[RequestContext], queries: Vectors, using: str) -> SampledQueries:
        """`queries` (Q, dims), each under its context, with the ends of their exact answers."""
        compiled = [self._rules.compile(context) for context in contexts]
        answers = [found.scores for found in self._exact(queries, compiled, using, K)]
        # Mostly one context for all of them.
        predicates = {id(rules): self._passes(rules) for rules in compiled}
        return SampledQueries(
            queries=queries,
            compiled=compiled,
            passes=[predicates[id(rules)] for rules in compiled],
            num_found=[len(scores) for scores in answers],
            least=[scores[-1] if scores else math.inf for scores in answers],
        )

    def _of_each_sort(self, context: RequestContext, using: str, number: int) -> list[Vectors]:
        """Queries (Q, dims) of three sorts, `number` in all.

        Rows that pass, as who asks has mostly been shown what they ask about; vectors between three such rows, as
        histories and several seeds make them; and the sample, as a narrow shape is hardest where hardly anything
        passes.
        """
        passing = self._scan.passing_rows(self._rules.compile(context))
        vectors = self._examined.columns.vectors(using)
        drawn = np.random.default_rng(len(passing)).permutation(passing)[: number // _NUM_SORTS]
        near = vectors[drawn]
        between = near + vectors[np.roll(drawn, 1)] + vectors[np.roll(drawn, 2)]
        between /= np.maximum(np.linalg.norm(between, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        far = self._vectors[using][: number - len(near) - len(between)]
        return [queries for queries in (near, between, far) if len(queries)]

    def _contexts(
        self, shape: ShapeContexts, context: RequestContext, queries: Vectors, using: str
    ) -> list[RequestContext]:
        """The context of each of `queries` (Q, dims); where the shape blocks creators, that of someone who blocks those
        of what is nearest: nothing is harder to find."""
        if FEW_CREATORS not in shape.fields:
            return [context] * len(queries)
        compiled, payload = [self._rules.compile(context)] * len(queries), self._examined.columns.payload
        return [
            replace(context, blocked_creators=frozenset(payload(row).creator_keys[0] for row in nearest.rows))
            for nearest in self._exact(queries, compiled, using, MOST_FEW_CREATORS)
        ]

    def _exact(self, queries: Vectors, compiled: Sequence[CompiledContext], using: str, limit: int) -> Iterator[Ranked]:
        """The exact answer to each of `queries` (Q, dims) under its rules."""
        asked = [NearestQuery(query, using, rules, limit) for query, rules in zip(queries, compiled, strict=True)]
        for start in range(0, len(asked), _AT_ONCE):
            yield from self._scan.nearest_of(asked[start : start + _AT_ONCE])

    def _passes(self, compiled: CompiledContext) -> Callable[[int], bool]:
        passes, payload = predicate(compiled.filter), self._examined.columns.payload
        return lambda row: passes(row, payload(row))
