"""The doctor's part of a build: plans chosen in a few seconds, and a check that the engine holds what it was given."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding.progress import Reporter
from indexing.doctor.contexts import ShapeContexts, shapes_of
from indexing.doctor.doctor import Doctor, Effort
from indexing.doctor.examined import ExaminedCollection, examined_in
from indexing.doctor.sampled_queries import K
from indexing.doctor.trial import Trial
from indexing.errors import GateError
from indexing.rules.compiled import HardRules
from indexing.rules.declaration import RuleSet
from indexing.search.measured import MIN_RECALL, MeasuredPlans, joined
from indexing.search.plans.engine import EXACT
from indexing.search.plans_file import write_plans
from indexing.stores.contract import VectorStore

# Of a build of a million 64-d rows, some 550 s, or of 100,000 384-d rows, some 105, the plans take a twentieth at most.
_BUDGET_S_A_ROW, _DIMS_A_BUDGET = 25e-6, 192
_LEAST_BUDGET_S = 2.0
_CONTEXTS, _RUNS = 2, 2


async def plans_at_build(
    folder: Path,
    dims: dict[str, int],
    num_canaries: int,
    store: VectorStore,
    rules_in_force: tuple[str, RuleSet],
    reporter: Reporter,
) -> MeasuredPlans:
    """Choose plans for the release in `folder`, not finished yet, under the rules in force (version, rules); and
    keep them beside it.

    Asks with the vectors of `num_canaries` rows, and of as many passages. GateError when the engine, asked exactly,
    gives what the rules forbid, or not what the columns hold.
    """
    data_dir = folder.parent.parent
    version, ruleset = rules_in_force
    found = []
    for examined in examined_in(folder, dims):
        rules = HardRules(ruleset, version, examined.classes, store.prepare, examined.fields.share)
        found.append(await _plans_of(examined, rules, canaries(len(examined.columns), num_canaries), store, reporter))
    plans = joined(found)
    if plans.leaks:
        raise GateError(
            f"The engine gave {plans.leaks} hits that the rules forbid, 0 are allowed: its fields are not those of the "
            "columns. The live release stays as it is. Build again."
        )
    write_plans(data_dir, plans)
    if plans.unmeasured:
        reporter.say(
            f"{plans.unmeasured} shapes of requests were left unmeasured, so that the build ends in time; until "
            f"`nearfield index doctor {folder.name}` has measured them they take the plan of one with more conditions, "
            "or are answered from the columns."
        )
    return plans


def canaries(num_rows: int, number: int) -> NDArray[np.int64]:
    """At most `number` rows, spread over all of them."""
    return np.unique(np.linspace(0, num_rows - 1, num=number).astype(np.int64))


async def _plans_of(
    examined: ExaminedCollection, rules: HardRules, rows: NDArray[np.int64], store: VectorStore, reporter: Reporter
) -> MeasuredPlans:
    doctor = Doctor(examined, rules, store, {using: examined.columns.vectors(using)[rows] for using in examined.dims})
    at_s = int(time.time())
    shapes = shapes_of(rules, examined.fields, examined.classes, at_s, contexts_each=1)
    for using in examined.dims:
        await _probe(doctor, shapes, using, len(rows), reporter)
    widest = max(examined.dims.values())
    effort = Effort(
        queries=len(rows),
        contexts=_CONTEXTS,
        runs=_RUNS,
        budget_s=max(_LEAST_BUDGET_S, _BUDGET_S_A_ROW * len(examined.columns) * max(1.0, widest / _DIMS_A_BUDGET)),
    )
    return await doctor.examine(at_s, effort, reporter)


async def _probe(doctor: Doctor, shapes: list[ShapeContexts], using: str, num_queries: int, reporter: Reporter) -> None:
    """Ask the engine itself, exactly, each canary under another shape: points that are missing or wrong show here."""
    trial = Trial(EXACT)
    with reporter.stage(f"ask for {using}", num_queries) as advance:
        for number in range(num_queries):
            await doctor.probe(trial, shapes[number % len(shapes)].contexts[0], using, number)
            advance(1)
    if trial.recall < MIN_RECALL:
        raise GateError(
            f"Recall@{K} of the engine's own exact search by {using} is {trial.recall:.3f}, at least {MIN_RECALL} is "
            f"needed, {MIN_RECALL - trial.recall:.3f} more: it does not hold the vectors or the fields that it was "
            "given. The live release stays as it is. Build again."
        )
