"""One training run from files to a model folder."""

import platform
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct

from embedding.dataset import Dataset, encode_items, open_dataset
from embedding.device import DeviceName, find_device
from embedding.features import Vocabulary
from embedding.model import save_weights
from embedding.model_folder import ModelCounts, ModelManifest, check_out, write_model
from embedding.pairs import Pairs
from embedding.progress import Reporter
from embedding.settings import EmbeddingSettings
from embedding.split import SplitName, choose_split, split_pairs
from embedding.text_vectors import LoadEncoder, TextVectors, open_text_vectors
from embedding.train_config import TrainConfig
from embedding.training import Trained, fit

_LIBRARIES = ("nearfield", "torch", "numpy", "sentence-transformers", "safetensors")


class TrainRequest(Struct, frozen=True, kw_only=True):
    """What to train on and where to put the model."""

    catalogue: Path
    interactions: Path
    out: Path
    split: SplitName = "common"
    config: TrainConfig = TrainConfig()
    device: DeviceName = "auto"


class TrainReport(Struct, frozen=True, kw_only=True):
    """The finished model's manifest, the mean loss of each epoch, and how many rows each rejects file holds."""

    manifest: ModelManifest
    losses: tuple[float, ...]
    rejects: dict[str, int]


class Fitted(Struct, frozen=True):
    """Trained towers with the vocabulary that goes with them."""

    vocabulary: Vocabulary
    trained: Trained


def run_training(
    request: TrainRequest, settings: EmbeddingSettings, load_encoder: LoadEncoder, reporter: Reporter
) -> TrainReport:
    """Read, split, train, write. `load_encoder` is called only where a text is not in the cache.

    Raises UsageError (device, out folder), RejectedInputError (inputs, split), EncoderMissingError, NearfieldError.
    """
    check_out(request.out)
    config = request.config
    device = find_device(request.device)
    with ExitStack() as stack:
        texts = stack.enter_context(open_text_vectors(settings, load_encoder, "text" in config.features))
        data = stack.enter_context(
            open_dataset(
                request.catalogue, request.interactions, settings.data_dir, settings.max_reject_share, reporter
            )
        )
        split = choose_split(data.pairs, request.split)
        train = split_pairs(data.pairs, split).train
        fitted = fit_pairs(data, train, config, texts, device, reporter)
        liked = train.positive
        manifest = ModelManifest(
            dims=config.dims,
            encoder_hash=texts.encoder_hash,
            text_dims=texts.dims,
            input_fields=fitted.vocabulary.input_fields,
            config=config,
            split=split,
            fingerprint=data.pairs.fingerprint(),
            counts=ModelCounts(
                items=len(fitted.vocabulary.ids),
                users=len(np.unique(train.users[liked])),
                pairs=int(liked.sum()),
                skips=int((~liked).sum()),
            ),
            crossing=data.crossing(train),
            device=device.type,
            libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
        )
        trained = fitted.trained

        def write(folder: Path) -> None:
            fitted.vocabulary.save(folder)
            save_weights(folder, trained.candidate, trained.query)

        return TrainReport(
            manifest=write_model(request.out, manifest, write), losses=trained.losses, rejects=data.rejects
        )


def fit_pairs(
    data: Dataset, train: Pairs, config: TrainConfig, texts: TextVectors, device: torch.device, reporter: Reporter
) -> Fitted:
    """Learn the vocabulary of the items in `train` and train the towers on them."""
    mask = data.item_mask(train.items)
    vocabulary = Vocabulary.learn(
        (item for batch in data.items(mask) for item in batch),
        config.features,
        {"creators": config.min_creator_items, "album": config.min_album_items, "tags": config.min_tag_items},
    )
    items = encode_items(data.items(mask), vocabulary, texts, reporter, total=int(mask.sum()))
    places = np.searchsorted(np.flatnonzero(mask), train.items)
    return Fitted(vocabulary, fit(items, vocabulary, train, places, config, device, reporter))
