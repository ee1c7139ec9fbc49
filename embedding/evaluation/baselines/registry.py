"""Which baselines an evaluation may compare the towers with, in the order in which results show them."""

from embedding.errors import UsageError
from embedding.evaluation.baselines.baseline import Baseline
from embedding.evaluation.baselines.ease import Ease
from embedding.evaluation.baselines.implicit_factors import LeastSquares, PairwiseRanking
from embedding.evaluation.baselines.item_neighbours import ItemNeighbours
from embedding.evaluation.baselines.nearest_texts import NearestTexts
from embedding.evaluation.baselines.popularity import Popularity
from embedding.extras.registry import require
from embedding.registry import Registry

BASELINES: Registry[Baseline] = Registry(
    "baseline",
    (
        Popularity(),
        ItemNeighbours(),
        Ease(),
        LeastSquares(),
        PairwiseRanking(),
        NearestTexts(),
    ),
)
_NONE = "none"


def parse_baselines(text: str) -> tuple[str, ...]:
    """Names of the baselines in a comma-separated list, in the order of `BASELINES`; `none` for none.

    Raises UsageError for a name that no baseline has, or whose library is not installed.
    """
    names = [] if text == _NONE else [name.strip() for name in text.split(",")]
    try:
        wanted = {BASELINES[name].name for name in names}
    except UsageError as error:
        raise UsageError(f"--baselines takes a list of names, or {_NONE}; {error}.") from None
    for baseline in BASELINES:
        if baseline.name in wanted and baseline.extra is not None:
            require(baseline.extra, f"The baseline {baseline.name!r}", "; or leave it out of --baselines.")
    return tuple(name for name in BASELINES.names if name in wanted)
