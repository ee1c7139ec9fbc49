"""A run of `nearfield evaluate`: a model and data in, its results beside those of the baselines out."""

from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from embedding.data.pairs import Pairs
from embedding.data.split import Split, SplitPairs, split_pairs
from embedding.data.task import Task
from embedding.errors import MismatchError, UsageError
from embedding.evaluation.baselines.registry import BASELINES
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.ranking import rank
from embedding.evaluation.results import POPULARITY, TOWERS, EvaluationResults, results_of
from embedding.evaluation.tower_ranking import check_encoder, rank_towers
from embedding.evaluation.trained_on import TrainedOn, trained_on
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.rejects import Rejects
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import LoadEncoder, NoText, TextVectors, open_text_vectors
from embedding.towers.model import Towers
from embedding.towers.model_folder import read_manifest
from embedding.training.dataset import Dataset, open_dataset, read_pairs


class EvaluateRequest(Struct, frozen=True, kw_only=True):
    """Which model to evaluate on which pairs; without `test`, on those that its own split held out.

    `baselines`: names in `BASELINES`.
    """

    model: Path
    catalogue: Path
    interactions: Path
    test: Path | None = None
    baselines: tuple[str, ...] = (POPULARITY,)
    # Another model, ranked in the same run and compared user by user.
    against: Path | None = None


class EvaluateCounts(Struct, frozen=True, kw_only=True):
    """What was ranked, for whom."""

    users: int
    # Users without a training pair: they all get the list for an empty history.
    users_without_history: int
    test_pairs: int
    candidates: int
    # Candidates that the model was not trained with.
    cold_candidates: int


class EvaluateReport(EvaluationResults, frozen=True, kw_only=True):
    """The results, of which model, on which data."""

    model: str
    split: Split | None
    counts: EvaluateCounts
    rejects: dict[str, int]
    # By the folder of each model that was trained on other interactions than these.
    trained_on: dict[str, TrainedOn]


def run_evaluation(
    request: EvaluateRequest, settings: EmbeddingSettings, load_encoder: LoadEncoder, reporter: Reporter
) -> EvaluateReport:
    """Rank the whole catalogue for every user with held-out pairs.

    Raises UsageError for a model that held nothing out when no `test` is given, or for a baseline that does not exist
    or cannot be fitted; MismatchError for other data or another encoder than the model's; DamagedError,
    RejectedInputError.
    """
    towers = Towers.load(request.model)
    split = towers.manifest.split
    if request.test is None and split.name == "none":
        raise UsageError(
            f"The model {request.model} was trained on everything (--split none), so nothing is held out. "
            "Give --test with pairs that it has not seen, or train with --split common."
        )
    baselines = [BASELINES[name] for name in request.baselines]
    with ExitStack() as stack:
        rival_reads = request.against is not None and read_manifest(request.against).encoder_hash is not None
        reads_text = towers.reads_text or rival_reads or any(baseline.reads_texts for baseline in baselines)
        texts = stack.enter_context(open_text_vectors(settings, load_encoder, reads_text))
        tower_texts = texts if towers.reads_text else NoText()
        check_encoder(towers, tower_texts)
        data = stack.enter_context(
            open_dataset(
                request.catalogue, request.interactions, settings.data_dir, settings.max_reject_share, reporter
            )
        )
        rejects = dict(data.rejects)
        if request.test is None:
            _check_data(towers, data, request)
            parts = split_pairs(data.pairs, data.rows, split)
            elsewhere = {}
        else:
            test, rejected = _read_test(request.test, data, settings, reporter)
            parts = SplitPairs(data.pairs, test.where(test.positive))
            rejects |= rejected
            elsewhere = _trained_elsewhere(request, data.pairs, test)
        task = Task.of(parts, data.item_rows)
        ranked = {TOWERS: rank_towers(towers, task, data, tower_texts, reporter)}
        if request.against is not None:
            other = _rival(request.against, towers, request.test is not None)
            other_texts = texts if other.reads_text else NoText()
            check_encoder(other, other_texts)
            ranked[str(request.against)] = rank_towers(other, task, data, other_texts, reporter, str(request.against))
        for baseline in baselines:
            with reporter.stage(f"fit {baseline.name}"):
                scorer = baseline.fit(task, lambda: _candidate_texts(task, data, texts, reporter))
            ranked[baseline.name] = rank(scorer, task, reporter, baseline.name)
        results = results_of(ranked, task, ItemAttributes.of(data, task.is_candidate), reporter)
        return EvaluateReport(
            **msgspec.structs.asdict(results),
            model=towers.model_hash,
            split=split if request.test is None else None,
            counts=_count(towers, task, data),
            rejects=rejects,
            trained_on=elsewhere,
        )


def training_warnings(report: EvaluateReport, request: EvaluateRequest) -> list[str]:
    """What to say of each model that was trained on other interactions, and may know the pairs that it is tested on."""
    return [_warning(folder, told, request) for folder, told in report.trained_on.items()]


def _warning(folder: str, told: TrainedOn, request: EvaluateRequest) -> str:
    test = request.test
    if told.share is None:
        share = f"how many of the pairs of {test} it was trained on cannot be told"
    else:
        share = f"it was trained on {told.share:.1%} of the pairs of {test}"
    return (
        f"the model {folder} was trained on interactions with fingerprint {told.trained} (split {told.split}); "
        f"{request.interactions} has {told.interactions}, {test} has {told.test}: {share}. What it was trained on "
        "tells nothing of what it finds. Give the interactions that it was trained on, or train one without the test "
        "pairs."
    )


def _trained_elsewhere(request: EvaluateRequest, interactions: Pairs, test: Pairs) -> dict[str, TrainedOn]:
    folders = [folder for folder in (request.model, request.against) if folder is not None]
    found = {str(folder): trained_on(read_manifest(folder), interactions, test) for folder in folders}
    return {folder: told for folder, told in found.items() if told is not None}


def _rival(folder: Path, towers: Towers, given_test: bool) -> Towers:
    """The model to compare `towers` with; MismatchError where it was trained on pairs that they are tested on."""
    rival = Towers.load(folder)
    then, now = towers.manifest, rival.manifest
    if not given_test and (then.fingerprint, then.split) != (now.fingerprint, now.split):
        raise MismatchError(
            f"--against {folder}: trained on interactions {now.fingerprint}, split {now.split.name}; the other model "
            f"on {then.fingerprint}, split {then.split.name}. What one has seen, the other is tested on: train both on "
            "the same data and split, or give --test with pairs that neither has seen."
        )
    return rival


def _candidate_texts(task: Task, data: Dataset, texts: TextVectors, reporter: Reporter) -> Vectors:
    with reporter.stage("encode texts", len(task.candidates)) as advance:
        in_catalogue = np.concatenate([texts(items, advance) for items in data.items(task.is_candidate)])
    return in_catalogue[np.searchsorted(np.flatnonzero(task.is_candidate), task.candidates)]


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
    return pairs, {str(rejects.path): rejects.rejected} if rejects.rejected else {}


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
