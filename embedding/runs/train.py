"""One training run from files to a model folder."""

import platform
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from embedding.data.split import Parts, Split, SplitName, choose_split, split_pairs
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.evaluation.baselines.popularity import PopularityScorer
from embedding.evaluation.evaluate_run import encode_for
from embedding.evaluation.evaluation import rank
from embedding.evaluation.figures import POPULARITY, TOWERS, Figures, figures_of
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.evaluation.validation import Validation
from embedding.progress import Reporter
from embedding.runs.model_card import model_card
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import LoadEncoder, TextVectors, open_text_vectors
from embedding.towers.model import Towers, save_weights
from embedding.towers.model_folder import ModelCounts, ModelManifest, check_out, write_model
from embedding.training.checkpoint import Checkpoints, RunIdentity, checkpoint_path
from embedding.training.dataset import Dataset, open_dataset
from embedding.training.device import DeviceName, find_device
from embedding.training.distributed import joined_process_group
from embedding.training.fit import fit
from embedding.training.training_data import TrainingData, early_stopping_split, prepare_training_data
from embedding.training.training_log import TrainingLog
from embedding.training.training_loop import FitOptions, Trained
from embedding.training.warm_start import check_warm_start

_LIBRARIES = ("nearfield", "torch", "numpy", "sentence-transformers", "safetensors")


class TrainRequest(Struct, frozen=True, kw_only=True):
    """What to train on and where to put the model.

    `resume`: go on from the checkpoint of a killed run; `warm_start`: a model whose weights to begin with; `log`:
    folder for figures of each step.
    """

    catalogue: Path
    interactions: Path
    out: Path
    split: SplitName = "common"
    config: TrainConfig = TrainConfig()
    device: DeviceName = "auto"
    resume: bool = False
    warm_start: Path | None = None
    log: Path | None = None


class TrainReport(Struct, frozen=True, kw_only=True):
    """The finished model's manifest, what came of training, and how many rows each rejects file holds.

    `losses`, `scores`: mean loss of each epoch, and what validation gave after it where the config has `patience`;
    `resumed_at`: the step from which a killed run was gone on with; `is_first`: False for those processes under
    torchrun that leave speaking to another.
    """

    manifest: ModelManifest
    losses: tuple[float, ...]
    scores: tuple[float, ...]
    resumed_at: int | None
    rejects: dict[str, int]
    is_first: bool


def run_training(
    request: TrainRequest, settings: EmbeddingSettings, load_encoder: LoadEncoder, reporter: Reporter
) -> TrainReport:
    """Read, split, train, write. `load_encoder` is called only where a text is not in the cache.

    Under torchrun each process does its part of every step, and the first one writes.
    Raises UsageError (device, out folder), RejectedInputError (inputs, split), EncoderMissingError, MismatchError (a
    checkpoint or a warm start that does not fit), NearfieldError.
    """
    check_out(request.out)
    device = find_device(request.device)
    start = None if request.warm_start is None else Towers.load(request.warm_start)
    with joined_process_group(device.type) as group, ExitStack() as stack:
        if not group.is_first:
            # The first one reads and encodes for all; what it encoded is in the cache then.
            group.wait()
            settings = msgspec.structs.replace(
                settings,
                cache_dir=settings.vector_cache_dir,
                data_dir=settings.data_dir / f"process-{group.rank}",
            )
            reporter = Reporter("none")
        texts = stack.enter_context(open_text_vectors(settings, load_encoder, "text" in request.config.features))
        if start is not None:
            check_warm_start(start.manifest, request.config, texts.encoder_hash)
        data = stack.enter_context(
            open_dataset(
                request.catalogue, request.interactions, settings.data_dir, settings.max_reject_share, reporter
            )
        )
        split = choose_split(data.pairs, request.split)
        parts = split_pairs(data.pairs, split)
        train = parts.train
        stopping = early_stopping_split(train, request.config)
        training_data = prepare_training_data(
            data,
            train if stopping is None else stopping.train,
            stopping,
            request.config,
            texts,
            reporter,
            None if start is None else start.vocabulary,
        )
        if group.is_first:
            group.wait()
        identity = RunIdentity(
            config=msgspec.to_builtins(request.config),
            split=msgspec.to_builtins(split),
            interactions=data.pairs.fingerprint(),
            items=training_data.fingerprint(),
            encoder=texts.encoder_hash,
            start=None if start is None else start.model_hash,
            device=device.type,
            processes=group.size,
        )
        checkpoints = Checkpoints(checkpoint_path(request.out), identity, request.resume, group.is_first)
        options = FitOptions(
            checkpoints=checkpoints,
            log=TrainingLog(request.log) if request.log is not None and group.is_first else None,
            validate=Validation.of(training_data, request.config),
            start=None if start is None else start.weights(),
            group=group,
        )
        trained = fit(training_data, request.config, group.device(device), reporter, options)
        manifest = _manifest(training_data, trained, data, texts, split, identity, request.config)
        if group.is_first:

            def write(folder: Path) -> None:
                training_data.vocabulary.save(folder)
                save_weights(folder, trained.candidate, trained.query)

            figures = _figures(training_data, trained, parts, request.config, data, texts, reporter)
            manifest = write_model(
                request.out, manifest, write, lambda finished: model_card(finished, figures, trained.losses)
            )
            checkpoints.remove()
        group.wait()
        return TrainReport(
            manifest=manifest,
            losses=trained.losses,
            scores=trained.scores,
            resumed_at=trained.resumed_at,
            rejects=data.rejects,
            is_first=group.is_first,
        )


def _figures(
    training_data: TrainingData,
    trained: Trained,
    parts: Parts,
    config: TrainConfig,
    data: Dataset,
    texts: TextVectors,
    reporter: Reporter,
) -> Figures | None:
    """How good the towers are on the pairs that their split held out, beside popularity; None where it held none."""
    if not len(parts.test):
        return None
    task = Task.of(parts, len(data.item_rows))
    rows, vectors = encode_for(trained.candidate, training_data.vocabulary, task, data, texts, reporter)
    scorer = TowerScorer(trained.query, config, task, rows, vectors)
    ranked = {
        TOWERS: rank(scorer, task, reporter, TOWERS),
        POPULARITY: rank(PopularityScorer(task), task, reporter, POPULARITY),
    }
    return figures_of(ranked, task, ItemAttributes.of(data, task.is_candidate), reporter)


def _manifest(
    training_data: TrainingData,
    trained: Trained,
    data: Dataset,
    texts: TextVectors,
    split: Split,
    identity: RunIdentity,
    config: TrainConfig,
) -> ModelManifest:
    liked = training_data.pairs.positive
    return ModelManifest(
        dims=config.dims,
        encoder_hash=texts.encoder_hash,
        text_dims=texts.dims,
        input_fields=training_data.vocabulary.input_fields,
        config=config,
        split=split,
        fingerprint=identity.interactions,
        counts=ModelCounts(
            items=len(training_data.vocabulary.ids),
            users=len(np.unique(training_data.pairs.users[liked])),
            pairs=int(liked.sum()),
            skips=int((~liked).sum()),
        ),
        crossing=data.crossing(training_data.pairs),
        device=identity.device,
        epochs=trained.best_epoch,
        warm_start=identity.start,
        libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )
