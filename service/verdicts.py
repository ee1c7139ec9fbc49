"""The re-check of every hit: what the rules of its context say of its row in the columns, worked out once a row."""

from collections import OrderedDict
from collections.abc import Callable

from indexing.columns import Columns
from indexing.payload import Payload
from indexing.rules.compiled import CompiledContext

_UNKNOWN, _PASSES, _FORBIDDEN = 0, 1, 2
# As many contexts as the rules keep compiled, in at most 32 MB (one byte a row each), but always a few.
_MOST_KEPT, _FEWEST_KEPT = 256, 8
_KEPT_BYTES = 1 << 25


class Verdict:
    """The predicate of one compiled context over the rows of one release; both never change."""

    def __init__(self, accepts: Callable[[Payload], bool], columns: Columns) -> None:
        self._accepts = accepts
        self._columns = columns
        self._known = bytearray(len(columns))

    def passes(self, row: int) -> bool:
        """Whether the rules let the row pass."""
        known = self._known[row]
        if known == _UNKNOWN:
            known = _PASSES if self._accepts(self._columns.payload(row)) else _FORBIDDEN
            self._known[row] = known
        return known == _PASSES


class Verdicts:
    """The verdicts of the contexts used last."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._num_kept = min(_MOST_KEPT, max(_FEWEST_KEPT, _KEPT_BYTES // max(1, len(columns))))
        # By identity: hashing a compiled context would walk its whole filter. Holding it keeps the identity its own.
        self._kept: OrderedDict[int, tuple[CompiledContext, Verdict]] = OrderedDict()

    def of(self, compiled: CompiledContext) -> Verdict:
        """The verdict of a compiled context."""
        kept = self._kept.get(id(compiled))
        if kept is None:
            kept = self._kept[id(compiled)] = compiled, Verdict(compiled.accepts, self._columns)
            if len(self._kept) > self._num_kept:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(id(compiled))
        return kept[1]
