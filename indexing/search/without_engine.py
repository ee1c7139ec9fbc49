"""When an answer is made without the engine: from the columns alone, where that is done before the answer is due."""

from indexing.errors import EngineAwayError
from indexing.stores.answer_budget import open_budget


def go_without_engine(away: EngineAwayError, takes_s: float) -> None:
    """Note that the answer that is being made does without the engine, for a scan that takes so many seconds.

    Raises `away` again where no answer is being made, as in a command, and another EngineAwayError where the time that
    is left is less.
    """
    budget = open_budget()
    if budget is None:
        raise away
    if takes_s > budget.left_s:
        raise EngineAwayError(
            f"{away}; without it the columns would be scanned for {takes_s:.1g} s, and the answer is due in "
            f"{max(0.0, budget.left_s):.1g} s"
        ) from away
    budget.go_without("engine")


def is_without_engine() -> bool:
    """Whether the answer that is being made does without the engine."""
    budget = open_budget()
    return budget is not None and "engine" in budget.lacking
