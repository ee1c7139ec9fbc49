"""The results of an evaluation, computed from rankings: means, confidence intervals, p-values, slices, bias."""

from msgspec import Struct

from embedding.data.task import Task
from embedding.evaluation.baselines.popularity import Popularity, PopularityScorer
from embedding.evaluation.bias import Bias, bias_of
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.ranking import Ranked, rank
from embedding.evaluation.significance import DRAWS, p_values
from embedding.evaluation.slices import Slice, intervals, slice_masks, slices
from embedding.progress import Reporter

TOWERS = "towers"
POPULARITY = Popularity.name


class EvaluationResults(Struct, frozen=True, kw_only=True):
    """Means over users by metric (`recall@20`, `ndcg@20`, ...), of the model and of each that it is compared with.

    `baselines`: by name, another model's among them; `intervals`, by scorer (`towers` or one of those) and metric: the
    95 % interval of the mean. `differences`, by name and metric: the 95 % interval of the towers' value less the
    other's, user by user; `p_values`: how often chance would set them as far apart. `slices`, by scorer: recall@20 over
    parts of the held-out pairs; `bias`, by scorer: whom its first 20 places favour.
    """

    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, tuple[float, float]]]
    differences: dict[str, dict[str, tuple[float, float]]]
    p_values: dict[str, dict[str, float]]
    slices: dict[str, dict[str, Slice]]
    bias: dict[str, Bias]


def results_of(
    ranked: dict[str, Ranked], task: Task, attributes: ItemAttributes, reporter: Reporter
) -> EvaluationResults:
    """The results of `ranked`: the rankings of the towers and of what they are compared with, by name."""
    by_user = {name: one.by_user() for name, one in ranked.items()}
    means = {name: {key: float(values.mean()) for key, values in of.items()} for name, of in by_user.items()}
    own = by_user[TOWERS]
    parts = slice_masks(task, attributes)
    popular = ranked.get(POPULARITY) or rank(PopularityScorer(task), task, reporter, POPULARITY)
    chances = {}
    for name in ranked:
        if name != TOWERS:
            with reporter.stage(f"tell from chance, {name}", DRAWS) as advance:
                chances[name] = p_values(own, by_user[name], advance)
    return EvaluationResults(
        metrics=means.pop(TOWERS),
        baselines=means,
        intervals={name: intervals(of) for name, of in by_user.items()},
        differences={
            name: intervals({key: own[key] - values for key, values in by_user[name].items()}) for name in means
        },
        p_values=chances,
        slices={name: slices(one, task, parts) for name, one in ranked.items()},
        bias={name: bias_of(one, popular, task) for name, one in ranked.items()},
    )
