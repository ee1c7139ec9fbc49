"""A run of `nearfield tune`: each config trained on a part of the training pairs and judged by the rest."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import optuna
from msgspec import Struct
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from embedding.data.split import SplitName, choose_split, described_cut, split_pairs, validation_split
from embedding.data.train_config import TrainConfig
from embedding.durable_files import write_durably
from embedding.errors import MismatchError, RejectedInputError
from embedding.evaluation.validation_metric import ValidationMetric
from embedding.progress import Reporter
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import LoadEncoder, open_text_vectors
from embedding.training.checkpoint import RunIdentity, differences
from embedding.training.dataset import open_dataset
from embedding.training.device import DeviceName, find_device
from embedding.training.fit import fit
from embedding.training.setting_conflicts import conflicts, conflicts_with_data
from embedding.training.training_data import prepare_training_data

_NAME = "nearfield"
_IDENTITY = "identity"


class TuneRequest(Struct, frozen=True, kw_only=True):
    """What to search for and how long: `trials` of all calls together, and `minutes` of this one.

    `config`: where the search begins, and what it does not change; `out`: TOML file for the best config, beside which
    the study is kept.
    """

    catalogue: Path
    interactions: Path
    out: Path
    split: SplitName = "common"
    config: TrainConfig = TrainConfig()
    device: DeviceName = "auto"
    trials: int
    minutes: float | None = None


class TuneReport(Struct, frozen=True, kw_only=True):
    """The best config, its validation metric and that of the first, and the finished trials of all calls.

    `cut`: where a split in time cuts, in a sentence.
    """

    cut: str | None
    best: TrainConfig
    value: float
    first_value: float
    trials: int


def run_tuning(
    request: TuneRequest, settings: EmbeddingSettings, load_encoder: LoadEncoder, reporter: Reporter
) -> TuneReport:
    """Try configs until the budget is spent; `out` has the best one after each trial. A killed search goes on.

    No pair that the split holds out is looked at. Raises MismatchError, saying what differs, where the study beside
    `out` is of other data or began elsewhere; RejectedInputError where nothing can be held out of training.
    """
    device = find_device(request.device)
    for told in conflicts(request.config):
        reporter.warn(told)
    if request.config.patience:
        reporter.warn(
            f"`patience` ({request.config.patience:,}) is not used while searching, as `epochs` is drawn; it is kept "
            "in the best config, by which training holds out a fifth of the pairs and may stop early. Set it to 0."
        )
    with ExitStack() as stack:
        texts = stack.enter_context(open_text_vectors(settings, load_encoder, "text" in request.config.features))
        data = stack.enter_context(
            open_dataset(
                request.catalogue, request.interactions, settings.data_dir, settings.max_reject_share, reporter
            )
        )
        split = choose_split(data.pairs, data.rows, request.split)
        parts = validation_split(split_pairs(data.pairs, data.rows, split).train)
        if not len(parts.test):
            raise RejectedInputError("Nothing can be held out of training: no user has five training pairs or more.")
        training_data = prepare_training_data(data, parts.train, parts, request.config, texts, reporter)
        for told in conflicts_with_data(request.config, training_data):
            reporter.warn(told)
        identity = RunIdentity(
            config=msgspec.to_builtins(request.config),
            split=msgspec.to_builtins(split),
            interactions=data.pairs.fingerprint(),
            items=training_data.fingerprint(),
            encoder=texts.encoder_hash,
            start=None,
            device=device.type,
            processes=1,
        )
        validation = ValidationMetric.of(training_data, request.config)
        assert validation is not None
        study = _open_study(study_path(request.out), identity, request.config)

        def judge(trial: Trial) -> float:
            config = _drawn(trial, request.config)
            reporter.say(f"trial {trial.number + 1}/{request.trials}: {trial.params}")
            trained = fit(training_data, config, device, reporter)
            return validation(trained.candidate, trained.query, reporter)

        until_s = None if request.minutes is None else time.monotonic() + 60 * request.minutes
        # At least one trial, so that there is a best.
        while len(_finished(study)) < request.trials:
            study.optimize(judge, n_trials=1)
            _write(request.out, _config_of(study.best_trial, request.config), study.best_trial, len(_finished(study)))
            if until_s is not None and time.monotonic() >= until_s:
                break
        finished = _finished(study)
        return TuneReport(
            cut=described_cut(data.pairs, split),
            best=_config_of(study.best_trial, request.config),
            value=study.best_value,
            first_value=finished[0].value or 0.0,
            trials=len(finished),
        )


def study_path(out: Path) -> Path:
    """Where the study of the config `out` is kept."""
    return out.with_name(f"{out.name}.study")


def _open_study(path: Path, identity: RunIdentity, config: TrainConfig) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True)
    own = json.loads(msgspec.json.encode(identity))
    kept = study.user_attrs.get(_IDENTITY)
    if kept is None:
        study.set_user_attr(_IDENTITY, own)
        # The first config is tried first: the result cannot be worse.
        study.enqueue_trial({key: getattr(config, key) for key in _space_keys(config)})
    elif kept != own:
        raise MismatchError(
            f"The study {path} is of another search. {'; '.join(differences(kept, own))}. Give what that was given, or "
            "another --out."
        )
    # A resumed search must not repeat the draws of the first call.
    study.sampler = optuna.samplers.TPESampler(seed=config.seed + len(study.trials))
    return study


def _space_keys(base: TrainConfig) -> tuple[str, ...]:
    drawn = ("epochs", "batch_size", "learning_rate", "temperature")
    return (*drawn, "id_dropout") if base.can_hide_ids else drawn


def _drawn(trial: Trial, base: TrainConfig) -> TrainConfig:
    """`base` with what the trial draws. Sizes and features stay: what they cost is not seen on validation."""
    config = msgspec.structs.replace(
        base,
        epochs=trial.suggest_int("epochs", 1, max(20, base.epochs), log=True),
        batch_size=trial.suggest_int("batch_size", min(128, base.batch_size), max(4_096, base.batch_size), log=True),
        learning_rate=trial.suggest_float(
            "learning_rate", min(5e-4, base.learning_rate), max(0.05, base.learning_rate), log=True
        ),
        temperature=trial.suggest_float(
            "temperature", min(0.03, base.temperature), max(0.5, base.temperature), log=True
        ),
    )
    if not base.can_hide_ids:
        return config
    most = max(0.9, base.id_dropout or 0.0)
    return msgspec.structs.replace(config, id_dropout=trial.suggest_float("id_dropout", 0.0, most))


def _config_of(trial: FrozenTrial, base: TrainConfig) -> TrainConfig:
    return msgspec.structs.replace(base, **trial.params)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _write(path: Path, config: TrainConfig, trial: FrozenTrial, num_trials: int) -> None:
    """The config as TOML, in one step: numbers, texts, flags and lists are written there as in JSON."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in msgspec.to_builtins(config).items()]
    head = f"# The best of {num_trials} trials: {config.validate_by} {trial.value:.4f} on training pairs held out."
    write_durably(path, ("\n".join((head, *lines)) + "\n").encode())
