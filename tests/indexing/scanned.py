"""A small catalogue with its columns on disk, a scan over them, and what brute force says of it."""

from pathlib import Path

import numpy as np

from embedding.protocols import Vectors
from embedding.rows.schema import Item
from indexing.columns.columns import HASH_BYTES, Columns, ColumnsWriter
from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.filters.predicate import predicate
from indexing.payload.availability import AvailabilityClasses
from indexing.payload.payload import payload_of
from indexing.rules.compiled import CompiledContext, HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.search.column_scan import ColumnScan, NearestQuery
from tests.indexing.drawn import EXTRA_FIELDS
from tests.indexing.made_points import unit_vectors
from tests.indexing.stores.made_words import no_words

NUM_ITEMS = 150
DIMS = {"tower": 4, "text": 6}
ANYBODY = RequestContext(market="SE", at_s=15, age=30)


class Catalogue:
    """Items with columns and facts on disk, as a build leaves them, and the scan over them."""

    def __init__(self, rows: list[Item], folder: Path, vectors: dict[str, Vectors] | None = None) -> None:
        self.classes = AvailabilityClasses()
        self.payloads = [payload_of(item, self.classes.add(item.availability), 0.5) for item in rows]
        self.vectors = vectors or _drawn(len(rows))
        fields = FieldColumnsWriter(EXTRA_FIELDS)
        fields.add(self.payloads[:10])
        fields.add(self.payloads[10:])
        dims = {using: of_space.shape[1] for using, of_space in self.vectors.items()}
        with ColumnsWriter(folder, dims) as writer:
            writer.append(self.payloads, [bytes(2 * HASH_BYTES)] * len(rows), self.vectors, no_words(len(rows)))
        fields.save(folder)
        self.fields = FieldColumns(folder)
        self.columns = Columns(folder)
        self.scan = ColumnScan(self.columns, self.fields)
        self._asked: dict[int, tuple[CompiledContext, list[int]]] = {}

    def compiled(self, context: RequestContext, ruleset: RuleSet | None = None) -> CompiledContext:
        ruleset = ruleset or RuleSet()
        version = rules_version(ruleset)
        return HardRules(ruleset, version, self.classes, lambda _: None, self.fields.share).compile(context)

    def brute_force(self, query: np.ndarray, using: str, compiled: CompiledContext, limit: int) -> list[int]:
        """Every row asked, every score sorted; of equals the lower row first."""
        rows = self._passing(compiled)
        scores = np.round(self.vectors[using] @ query, 5)
        return sorted(rows, key=lambda row: (-scores[row], row))[:limit]

    def _passing(self, compiled: CompiledContext) -> list[int]:
        """The rows that a context lets pass, asked once; holding it keeps its identity its own."""
        if id(compiled) not in self._asked:
            passes = predicate(compiled.filter)
            rows = [row for row, payload in enumerate(self.payloads) if passes(row, payload)]
            self._asked[id(compiled)] = compiled, rows
        return self._asked[id(compiled)][1]

    def found(self, query: np.ndarray, using: str, compiled: CompiledContext, limit: int) -> list[int]:
        """The scan's answer, its scores checked; rows whose scores differ in the last bits stand by row."""
        answer = self.scan.nearest(NearestQuery(query, using, compiled, limit))
        exact = self.vectors[using] @ query
        np.testing.assert_allclose(exact[answer.rows], answer.scores, atol=1e-6)
        scores = np.round(exact, 5)
        return sorted(answer.rows, key=lambda row: (-scores[row], row))


def _drawn(num_rows: int) -> dict[str, Vectors]:
    vectors: dict[str, Vectors] = {using: unit_vectors(num_rows, dims, seed=dims) for using, dims in DIMS.items()}
    # Equal scores, so that ties are met.
    vectors["tower"][: num_rows // 3] = vectors["tower"][0]
    return vectors
