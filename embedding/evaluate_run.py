"""One evaluation run: a model and its data in, metrics and those of the baselines out."""

from contextlib import ExitStack
from pathlib import Path
from typing import TypedDict

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.baseline_names import BaselineName, make_baseline
from embedding.dataset import Dataset, open_dataset, read_pairs
from embedding.errors import MismatchError, UsageError
from embedding.evaluation import Ranked, Task, rank
from embedding.features import Vocabulary
from embedding.model import Towers, encode_rows
from embedding.pairs import Pairs
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rejects import Rejects
from embedding.settings import EmbeddingSettings
from embedding.slices import Slice, intervals, slices
from embedding.split import Parts, Split, split_pairs
from embedding.text_vectors import LoadEncoder, NoText, TextVectors, open_text_vectors
from embedding.tower_scorer import TowerScorer
from embedding.towers import CandidateTower

_TOWERS = "towers"


class EvaluateRequest(Struct, frozen=True, kw_only=True):
    """Which model to evaluate on which pairs; without `test`, on those that its own split held out."""

    model: Path
    catalogue: Path
    interactions: Path
    test: Path | None = None
    baselines: tuple[BaselineName, ...] = ("popularity",)


class EvaluateCounts(Struct, frozen=True, kw_only=True):
    """What was ranked, for whom."""

    users: int
    # Of these, how many are known from no training pair: they all get the answer for an empty history.
    users_without_history: int
    test_pairs: int
    candidates: int
    # Candidates that the model was not trained with.
    cold_candidates: int


class EvaluateReport(Struct, frozen=True, kw_only=True):
    """Means over users by metric (`recall@20`, `ndcg@20`, ...), of the model and of each baseline.

    `intervals`, by scorer (`towers` or a baseline's name) and metric: the 95 % interval of the mean. `differences`, by
    baseline and metric: the 95 % interval of the towers' value less the baseline's, user by user. `slices`, by scorer:
    recall@20 over parts of the held-out pairs.
    """

    model: str
    split: Split | None
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, tuple[float, float]]]
    differences: dict[str, dict[str, tuple[float, float]]]
    slices: dict[str, dict[str, Slice]]
    counts: EvaluateCounts
    rejects: dict[str, int]


def run_evaluation(
    request: EvaluateRequest, settings: EmbeddingSettings, load_encoder: LoadEncoder, reporter: Reporter
) -> EvaluateReport:
    """Rank the whole catalogue for every user with held-out pairs.

    Raises UsageError for a model that held nothing out when no `test` is given, MismatchError for other data or
    another encoder than the model's, DamagedError, RejectedInputError.
    """
    towers = Towers.load(request.model)
    split = towers.manifest.split
    if request.test is None and split.name == "none":
        raise UsageError(
            f"The model {request.model} was trained on everything (--split none), so nothing is held out. "
            "Give --test with pairs that it has not seen, or train with --split common."
        )
    with ExitStack() as stack:
        reads_text = "text" in towers.manifest.config.features
        texts = stack.enter_context(
            open_text_vectors(settings, load_encoder, reads_text or "text" in request.baselines)
        )
        tower_texts = texts if reads_text else NoText()
        check_encoder(towers, tower_texts)
        data = stack.enter_context(
            open_dataset(
                request.catalogue, request.interactions, settings.data_dir, settings.max_reject_share, reporter
            )
        )
        rejects = dict(data.rejects)
        if request.test is None:
            _check_data(towers, data, request)
            parts = split_pairs(data.pairs, split)
        else:
            test, rejected = _read_test(request.test, data, settings, reporter)
            parts = Parts(data.pairs, test)
            rejects |= rejected
        task = Task.of(parts, len(data.item_rows))
        rows, vectors = encode_for(towers.candidate, towers.vocabulary, task, data, tower_texts, reporter)
        scorer = TowerScorer(towers.query, towers.manifest.config, task, rows, vectors)
        ranked = {_TOWERS: rank(scorer, task, reporter, _TOWERS)}
        for name in request.baselines:
            baseline = make_baseline(name, task, lambda: _candidate_texts(task, data, texts, reporter))
            ranked[name] = rank(baseline, task, reporter, name)
        return EvaluateReport(
            model=towers.model_hash,
            split=split if request.test is None else None,
            counts=_count(towers, task, data),
            rejects=rejects,
            **_figures(ranked, task),
        )


class _Figures(TypedDict):
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, tuple[float, float]]]
    differences: dict[str, dict[str, tuple[float, float]]]
    slices: dict[str, dict[str, Slice]]


def _figures(ranked: dict[str, Ranked], task: Task) -> _Figures:
    by_user = {name: one.by_user() for name, one in ranked.items()}
    means = {name: {key: float(values.mean()) for key, values in of.items()} for name, of in by_user.items()}
    own = by_user[_TOWERS]
    return _Figures(
        metrics=means.pop(_TOWERS),
        baselines=means,
        intervals={name: intervals(of) for name, of in by_user.items()},
        differences={
            name: intervals({key: own[key] - values for key, values in by_user[name].items()}) for name in means
        },
        slices={name: slices(one, task) for name, one in ranked.items()},
    )


def _candidate_texts(task: Task, data: Dataset, texts: TextVectors, reporter: Reporter) -> Vectors:
    with reporter.stage("encode texts", len(task.candidates)) as advance:
        return np.concatenate([texts(items, advance) for items in data.items(task.is_candidate)])


def encode_for(
    candidate: CandidateTower,
    vocabulary: Vocabulary,
    task: Task,
    data: Dataset,
    texts: TextVectors,
    reporter: Reporter,
) -> tuple[NDArray[np.int64], Vectors]:
    """Catalogue rows (M,) that occur in the task, ascending, and their candidate vectors (M, dims)."""
    mask = task.is_candidate | data.item_mask(task.train.items)
    with reporter.stage("encode items", int(mask.sum())) as advance:
        vectors = [
            encode_rows(candidate, vocabulary.encode(items, texts(items, advance))) for items in data.items(mask)
        ]
    return np.flatnonzero(mask), np.concatenate(vectors)


def check_encoder(towers: Towers, texts: TextVectors) -> None:
    """MismatchError, naming both hashes, unless `texts` come from the encoder that the towers know."""
    if towers.encoder_hash != texts.encoder_hash:
        raise MismatchError(
            f"The model {towers.model_hash} was trained with text encoder {towers.encoder_hash}, the one at hand is "
            f"{texts.encoder_hash}. Set `encoder` to the folder of the former, or train again."
        )


def _check_data(towers: Towers, data: Dataset, request: EvaluateRequest) -> None:
    came, expected = data.pairs.fingerprint(), towers.manifest.fingerprint
    if came != expected:
        raise MismatchError(
            f"The model {request.model} was trained and split on interactions with fingerprint {expected}; "
            f"{request.interactions} (rows about items of {request.catalogue}) has {came}, so what was held out is "
            "not known. Give the same data, or name unseen pairs with --test."
        )


def _read_test(
    test: Path, data: Dataset, settings: EmbeddingSettings, reporter: Reporter
) -> tuple[Pairs, dict[str, int]]:
    with Rejects(settings.data_dir / "rejects" / "test.jsonl") as rejects:
        pairs = read_pairs(test, data.item_rows, rejects, reporter, data.user_rows).finish()
        rejects.enforce(settings.max_reject_share)
    return pairs.where(pairs.positive), {str(rejects.path): rejects.rejected} if rejects.rejected else {}


def _count(towers: Towers, task: Task, data: Dataset) -> EvaluateCounts:
    mask = task.is_candidate
    cold = sum(item.id not in towers.vocabulary.ids for items in data.items(mask) for item in items)
    return EvaluateCounts(
        users=len(task.users),
        users_without_history=int((~np.isin(task.users, task.train.users)).sum()),
        test_pairs=len(task.test),
        candidates=len(task.candidates),
        cold_candidates=cold,
    )
