"""Cache of hybrid results: a text that is asked for again under the same context costs no search.

Good for as long as the journal stands still; every row is re-checked each time all the same.
"""

from cachetools import LRUCache
from msgspec import Struct

from indexing.rules.compiled import CompiledContext

# Two hundred rows and scores each: 16 MB.
_KEPT = 1_024


class Block(Struct, frozen=True):
    """Rows that were ranked together, best first; `exhausted` when there are no more after them, of which none can
    score more than `most_to_come`."""

    rows: list[int]
    scores: list[float]
    exhausted: bool
    most_to_come: float


class HybridCache:
    """Blocks by text, context and how many candidates they were made of."""

    def __init__(self) -> None:
        # By identity, as hashing a compiled context would walk its filter; holding it keeps the identity its own.
        self._kept: LRUCache[tuple[str, int, int], tuple[CompiledContext, int, Block]] = LRUCache(_KEPT)

    def find(self, text: str, pool: int, compiled: CompiledContext, seq: int) -> Block | None:
        """The block that was kept when the journal's last frame was `seq`."""
        kept = self._kept.get((text, pool, id(compiled)))
        return None if kept is None or kept[1] != seq else kept[2]

    def keep(self, text: str, pool: int, compiled: CompiledContext, seq: int, block: Block) -> None:
        """Keep a block, in the place of the one that was used least lately."""
        self._kept[text, pool, id(compiled)] = compiled, seq, block
