"""The rows that share words with a query, found in the columns: what answers while the engine is away."""

import numpy as np
from numpy.typing import NDArray

from indexing.rules.compiled import CompiledContext
from indexing.search.column_scan import ColumnScan
from indexing.stores.contract import Ranked
from indexing.words.sparse import Sparse, SparseRows

# Rows at a time, so that what is worked out of them stays in the cache.
_CHUNK = 8_192
# Twice what an entry takes where nothing else runs (docs/log.md).
_ENTRY_S = 5e-9


class WordScan:
    """Scans the words of one release's rows; which of them may be shown `scan` knows."""

    def __init__(self, rows: SparseRows, scan: ColumnScan) -> None:
        self._rows, self._scan = rows, scan

    @property
    def takes_s(self) -> float:
        """Seconds that a scan takes."""
        return len(self._rows.indices) * _ENTRY_S

    def matching(self, words: Sparse, *, compiled: CompiledContext, limit: int) -> Ranked:
        """As `VectorStore.matching`; of equals the lower row comes first."""
        scores = self._scores(words)
        rows = self._scan.allowed_rows(compiled)
        rows = rows[scores[rows] > 0]
        best = np.lexsort((rows, -scores[rows]))[:limit]
        return Ranked(rows[best].tolist(), scores[rows[best]].tolist())

    def _scores(self, words: Sparse) -> NDArray[np.float32]:
        num_rows = len(self._rows)
        parts = [
            self._rows.part(start, min(start + _CHUNK, num_rows)).scores(words) for start in range(0, num_rows, _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
