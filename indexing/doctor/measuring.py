"""What a plan finds and costs on sampled queries: it is run on each, until it cannot suffice or is hopelessly slow."""

import math
import time
from collections.abc import Sequence

import numpy as np

from indexing.doctor.sampled_queries import K, SampledQueries
from indexing.doctor.trial import Trial
from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection, Plan

# What takes longer is not run again to be timed better.
SLOW_MS = 3.0
_FIRST_LOOK = 6


async def measure(
    plan: Plan,
    samples: Sequence[SampledQueries],
    using: str,
    collection: Collection,
    *,
    runs: int,
    give_up_ms: float = math.inf,
) -> Trial:
    """Run all queries by `plan`; ends early once they cannot suffice, or take `give_up_ms` at p50."""
    trial = Trial(plan)
    for sample in samples:
        queries = _queries(sample, using)
        # What the first query of a context finds cold is no part of the plan.
        await plan.nearest(queries[0], collection)
        trial.recalls.append([])
        times_ms = [math.inf] * len(queries)
        for run in range(runs):
            for number, query in enumerate(queries):
                start = time.perf_counter()
                answer = await plan.nearest(query, collection)
                times_ms[number] = min(times_ms[number], 1_000 * (time.perf_counter() - start))
                if run == 0:
                    trial.judge(sample, number, answer)
                if run == 0 and number == _FIRST_LOOK and np.median(times_ms[:number]) > give_up_ms:
                    trial.times_ms += times_ms[: number + 1]
                    return trial
            if np.median(times_ms) > SLOW_MS:
                break
        trial.times_ms += times_ms
        if not trial.suffices:
            return trial
    trial.finished = True
    return trial


async def is_slow(plan: Plan, sample: SampledQueries, using: str, collection: Collection) -> bool:
    """Whether the plan takes longer than can be timed for every query."""
    times_ms = []
    for query in _queries(sample.first(_FIRST_LOOK), using):
        start = time.perf_counter()
        await plan.nearest(query, collection)
        times_ms.append(1_000 * (time.perf_counter() - start))
    return float(np.median(times_ms)) > SLOW_MS


def _queries(sample: SampledQueries, using: str) -> list[NearestQuery]:
    return [
        NearestQuery(query, using, compiled, K) for query, compiled in zip(sample.queries, sample.compiled, strict=True)
    ]
