"""One evaluation run: a model and its data in, metrics and those of the baselines out."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.baselines import Popularity
from embedding.dataset import Dataset, open_dataset, read_pairs
from embedding.errors import MismatchError, UsageError
from embedding.evaluation import Scorer, Task, evaluate
from embedding.features import Vocabulary
from embedding.model import Towers, encode_rows
from embedding.pairs import Pairs
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rejects import Rejects
from embedding.settings import EmbeddingSettings
from embedding.split import Parts, Split, split_pairs
from embedding.text_vectors import LoadEncoder, TextVectors, open_text_vectors
from embedding.tower_scorer import TowerScorer
from embedding.towers import CandidateTower

BaselineName = Literal["popularity"]
BASELINES: dict[BaselineName, Callable[[Task], Scorer]] = {"popularity": Popularity}


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
    """Means over users by metric (`recall@20`, `ndcg@20`, ...), of the model and of each baseline."""

    model: str
    split: Split | None
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
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
        texts = stack.enter_context(
            open_text_vectors(settings, load_encoder, "text" in towers.manifest.config.features)
        )
        check_encoder(towers, texts)
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
        rows, vectors = encode_for(towers.candidate, towers.vocabulary, task, data, texts, reporter)
        scorer = TowerScorer(towers.query, towers.manifest.config, task, rows, vectors)
        return EvaluateReport(
            model=towers.model_hash,
            split=split if request.test is None else None,
            metrics=evaluate(scorer, task, reporter, "towers"),
            baselines={name: evaluate(BASELINES[name](task), task, reporter, name) for name in request.baselines},
            counts=_count(towers, task, data),
            rejects=rejects,
        )


def parse_baselines(text: str) -> tuple[BaselineName, ...]:
    """The baselines in a comma-separated list; `none` for none. UsageError for one that does not exist."""
    names = [] if text == "none" else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise UsageError(f"--baselines: expected some of {', '.join(BASELINES)}, or none; got {unknown[0]!r}.")
    return tuple(name for name in BASELINES if name in names)


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
