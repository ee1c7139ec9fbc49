"""Which baselines a run may ask for, and how each is made."""

import importlib
from collections.abc import Callable
from typing import Literal, get_args

from embedding.data.task import Task
from embedding.errors import UsageError
from embedding.evaluation.baselines import Ease, ItemNeighbours, NearestTexts, Popularity
from embedding.evaluation.evaluation import Scorer
from embedding.protocols import Vectors

BaselineName = Literal["popularity", "item-knn", "ease", "als", "bpr", "text"]
NAMES: tuple[BaselineName, ...] = get_args(BaselineName)
_FACTORS = {"als": "least_squares", "bpr": "pairwise_ranking"}


def parse_baselines(text: str) -> tuple[BaselineName, ...]:
    """The baselines in a comma-separated list; `none` for none. UsageError for one that does not exist."""
    asked = [] if text == "none" else [name.strip() for name in text.split(",")]
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        raise UsageError(f"--baselines: expected some of {', '.join(NAMES)}, or none; got {unknown[0]!r}.")
    return tuple(name for name in NAMES if name in asked)


def make_baseline(name: BaselineName, task: Task, texts: Callable[[], Vectors]) -> Scorer:
    """The baseline called `name`, fitted to the training pairs of `task`.

    `texts`: called where text is read, gives the unit text vectors (N, E) of the candidates. Raises UsageError where
    the library that it needs is not installed, or for EASE where the data is too large.
    """
    if name == "text":
        return NearestTexts(task, texts())
    if name in _FACTORS:
        return _factors(name, task)
    makers: dict[str, Callable[[Task], Scorer]] = {"popularity": Popularity, "item-knn": ItemNeighbours, "ease": Ease}
    return makers[name](task)


def _factors(name: str, task: Task) -> Scorer:
    try:
        module = importlib.import_module("embedding.evaluation.baselines_factors")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "implicit":
            raise
        raise UsageError(
            f"The baseline {name!r} needs the library implicit, which is not installed: pip install implicit, or "
            f"leave it out of --baselines."
        ) from None
    fitted: Scorer = getattr(module, _FACTORS[name])(task)
    return fitted
