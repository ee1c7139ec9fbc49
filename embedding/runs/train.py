"""A run of `nearfield train`: from catalogue and interactions to a model folder."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.data.split import SplitName, choose_split, described_cut, split_pairs
from embedding.data.train_config import TrainConfig
from embedding.evaluation.validation_metric import ValidationMetric
from embedding.progress import Reporter
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.runs.model_card import model_card
from embedding.runs.trained_model import held_out_results, manifest_of
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import LoadEncoder, open_text_vectors
from embedding.towers.model import Towers, save_weights
from embedding.towers.model_folder import ModelManifest, check_out, write_model
from embedding.training.checkpoint import Checkpoints, RunIdentity, checkpoint_path
from embedding.training.dataset import open_dataset
from embedding.training.device import DeviceName, find_device
from embedding.training.distributed import ProcessGroup, joined_process_group
from embedding.training.fit import fit
from embedding.training.setting_conflicts import conflicts, conflicts_with_data, nothing_held_out
from embedding.training.training_data import early_stopping_split, prepare_training_data
from embedding.training.training_log import TrainingLog
from embedding.training.training_loop import FitOptions
from embedding.training.warm_start import check_warm_start


class TrainRequest(Struct, frozen=True, kw_only=True):
    """What to train on and where to put the model.

    `rows`: how rows are read; `resume`: go on from the checkpoint of a killed run; `warm_start`: a model whose weights
    to begin with; `log`: folder for figures of each step.
    """

    catalogue: Path
    interactions: Path
    rows: RowParsers = PLAIN_ROWS
    out: Path
    split: SplitName = "common"
    config: TrainConfig = TrainConfig()
    device: DeviceName = "auto"
    resume: bool = False
    warm_start: Path | None = None
    log: Path | None = None


class TrainReport(Struct, frozen=True, kw_only=True):
    """The finished model's manifest, what came of training, and how many rows each rejects file holds.

    `cut`: where a split in time cuts, in a sentence; `losses`, `scores`: mean loss of each epoch, and what validation
    gave after it where the config has `patience`;
    `resumed_at`: the step from which a killed run was gone on with; `is_first`: False for those processes under
    torchrun that leave speaking to another.
    """

    manifest: ModelManifest
    cut: str | None
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
        _warn(reporter, group, conflicts(request.config))
        texts = stack.enter_context(open_text_vectors(settings, load_encoder, "text" in request.config.features))
        if start is not None:
            check_warm_start(start.manifest, request.config, texts.encoder_hash)
        data = stack.enter_context(
            open_dataset(
                request.catalogue,
                request.interactions,
                settings.data_dir,
                settings.max_reject_share,
                reporter,
                request.rows,
            )
        )
        split = choose_split(data.pairs, data.rows, request.split)
        parts = split_pairs(data.pairs, data.rows, split)
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
        _warn(reporter, group, nothing_held_out(split, parts))
        _warn(reporter, group, conflicts_with_data(request.config, training_data))
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
            validate=ValidationMetric.of(training_data, request.config),
            start=None if start is None else start.weights(),
            group=group,
        )
        trained = fit(training_data, request.config, group.device(device), reporter, options)
        manifest = manifest_of(training_data, trained, data, texts, split, identity, request.config)
        if group.is_first:

            def write(folder: Path) -> None:
                training_data.vocabulary.save(folder)
                save_weights(folder, trained.candidate, trained.query)

            results = held_out_results(training_data, trained, parts, request.config, data, texts, reporter)
            manifest = write_model(
                request.out, manifest, write, lambda finished: model_card(finished, results, trained.losses)
            )
            checkpoints.remove()
        group.wait()
        return TrainReport(
            manifest=manifest,
            cut=described_cut(data.pairs, split),
            losses=trained.losses,
            scores=trained.scores,
            resumed_at=trained.resumed_at,
            rejects=data.rejects,
            is_first=group.is_first,
        )


def _warn(reporter: Reporter, group: ProcessGroup, sentences: Iterable[str]) -> None:
    if group.is_first:
        for sentence in sentences:
            reporter.warn(sentence)
