"""What the last texts found under their contexts: a text that is asked for again costs no search.

Good for as long as the journal stands still; every row is re-checked each time all the same.
"""

from collections import OrderedDict

from msgspec import Struct

from indexing.rules.compiled import CompiledContext

# Two hundred rows and scores each: 16 MB.
_KEPT = 1_024


class Block(Struct, frozen=True):
    """Rows that were ranked together, best first; `exhausted` when there are no more after them."""

    rows: list[int]
    scores: list[float]
    exhausted: bool


class HybridBlocks:
    """Blocks by text, context and how many candidates they were made of."""

    def __init__(self) -> None:
        # By identity, as hashing a compiled context would walk its filter; holding it keeps the identity its own.
        self._kept: OrderedDict[tuple[str, int, int], tuple[CompiledContext, int, Block]] = OrderedDict()

    def find(self, text: str, pool: int, compiled: CompiledContext, seq: int) -> Block | None:
        """The block that was kept when the journal's last frame was `seq`."""
        key = text, pool, id(compiled)
        kept = self._kept.get(key)
        if kept is None or kept[1] != seq:
            return None
        self._kept.move_to_end(key)
        return kept[2]

    def keep(self, text: str, pool: int, compiled: CompiledContext, seq: int, block: Block) -> None:
        """Keep a block, in the place of the one that was used least lately."""
        self._kept[text, pool, id(compiled)] = compiled, seq, block
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
