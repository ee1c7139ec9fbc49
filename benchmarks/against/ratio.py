"""How many times as fast one build is as another, from turns that they took in pairs, with a 95 % interval.

Each pair of neighbouring turns gives the logarithm of a ratio, so that what disturbs the machine for longer than a turn
disturbs both. Their mean and interval are those of Tukey and McLaughlin (Sankhya A 25, 1963): a fifth of the pairs at
either end is trimmed, the error comes from what is winsorised there, and Student's t has the degrees of freedom of what
is left. A burst of other work on the machine falls into single turns, far from the rest, and would widen an interval
by the plain mean without saying anything of the builds.
"""

import math
from collections.abc import Sequence

from msgspec import Struct
from scipy.stats import mstats

_TRIMMED = 0.2


class Ratio(Struct, frozen=True):
    """A ratio and its 95 % interval."""

    middle: float
    low: float
    high: float

    def reaches(self, bar: float) -> bool:
        """Whether the interval reaches up to the bar."""
        return self.high >= bar

    def __str__(self) -> str:
        return f"{self.middle:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio_of(these: Sequence[float], others: Sequence[float]) -> Ratio:
    """The ratio of rates, pair by pair; three pairs at least. Raises ValueError for fewer."""
    if len(these) < 3:
        raise ValueError(f"expected three pairs of turns or more, got {len(these)}")
    logs = [math.log(this / other) for this, other in zip(these, others, strict=True)]
    limits = (_TRIMMED, _TRIMMED)
    low, high = (math.exp(bound) for bound in mstats.trimmed_mean_ci(logs, limits=limits, alpha=0.05))
    return Ratio(math.exp(mstats.trimmed_mean(logs, limits=limits)), low, high)
