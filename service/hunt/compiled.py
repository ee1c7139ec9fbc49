"""The compiled rules under test: predicate, engine and scan of the columns, each asked by itself."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from embedding.rows.schema import Item
from indexing.release.engine_keys import NOT_IN_ENGINE
from indexing.search.finder import Finder
from indexing.stores.contract import SearchParams, VectorStore
from service.hunt.plain_rules import Asked, PlainRules
from service.hunt.tally import Tally
from service.loaded.loaded_release import LoadedRelease
from service.queries.context import ContextDefaults
from service.queries.request_conditions import RequestConditions
from service.schemas.requests import SimilarRequest

# The engine answers a list of all rows in 4 ms a thousand (docs/log.md): of a large catalogue it is asked less often.
_ENGINE_POINTS = 5_000


class Compiled:
    """The rules as one release's retrieval has them."""

    def __init__(
        self,
        store: VectorStore,
        loaded: LoadedRelease,
        defaults: ContextDefaults,
        rules: PlainRules,
        tally: Tally,
    ) -> None:
        self._store = store
        self._loaded = loaded
        self._finder = Finder.of_release(store, self._loaded.release, self._loaded.rules.version)
        self._defaults = defaults
        self._own = RequestConditions(self._loaded)
        self._rules = rules
        self._tally = tally
        self._num_points = self._loaded.rows.num_own
        self._engine_every = 1 + self._num_points // _ENGINE_POINTS
        self._asked = 0
        vectors = self._loaded.rows.vectors(self._loaded.release.space, [0])
        self._vector = np.asarray(vectors[0], np.float32)

    async def judge(self, body: dict[str, Any], asked: Asked, items: Sequence[Item]) -> set[str]:
        """Ask each reading about each of `items` in the context of a `similar` body; the ids that were judged."""
        query = msgspec.convert(body, SimilarRequest)
        compiled = self._loaded.rules.compile(
            self._own.added(query, self._defaults.complete(query.context, query.kinds))
        )
        # What a request blocks by id is dropped after the search, with what it excludes: answers tell.
        asked = replace(asked, blocked_items=())
        rows = {item.id: self._loaded.rows.find(item.id) for item in items}
        judged = [item for item in items if rows[item.id] >= 0]
        verdicts = {item.id: self._rules.forbids(item, asked) for item in judged}
        for item in judged:
            passes = compiled.accepts(self._loaded.rows.payload(rows[item.id]))
            self._compare("predicate", item.id, passes, verdicts[item.id], body)
        self._tally.of("predicate").questions += 1
        self._asked += 1
        if self._asked % self._engine_every == 0:
            own = [item for item in judged if rows[item.id] < self._num_points]
            readings = [("columns", await self._columns(compiled))]
            if compiled.prepared is not NOT_IN_ENGINE:
                readings.append(("engine", await self._engine(compiled)))
            for name, passing in readings:
                self._tally.of(name).questions += 1
                for item in own:
                    # The engine holds no id: what the rules block by id is dropped after the search.
                    if item.id not in self._rules.blocked_items:
                        self._compare(name, item.id, rows[item.id] in passing, verdicts[item.id], body)
        return {item.id for item in judged}

    async def _engine(self, compiled: Any) -> set[int]:
        ranked = await self._store.nearest(
            self._loaded.release.id,
            self._vector,
            using=self._loaded.release.space,
            where=compiled.prepared,
            limit=self._num_points,
            params=SearchParams(exact=True),
        )
        return set(ranked.rows)

    async def _columns(self, compiled: Any) -> set[int]:
        found = await self._finder.nearest(
            self._vector, using=self._loaded.release.space, compiled=compiled, limit=self._num_points, exact=True
        )
        return set(found.rows)

    def _compare(self, reading: str, item_id: str, passes: bool, rule: str | None, body: dict[str, Any]) -> None:
        self._tally.of(reading).judged += 1
        if passes and rule is not None:
            self._tally.leak(reading, item_id, rule, body)
        elif not passes and rule is None:
            self._tally.missing(reading, item_id, body)
