"""Warm start: which weights of an earlier model are copied where in the new towers."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from embedding.data.train_config import TrainConfig
from embedding.errors import MismatchError
from embedding.towers.model_folder import ModelManifest


def check_warm_start(manifest: ModelManifest, config: TrainConfig, encoder_hash: str | None) -> None:
    """MismatchError, naming all that differs, where a model's weights do not fit a run of `config`."""
    pairs = {
        "dims": (manifest.config.dims, config.dims),
        "features": (manifest.config.features, config.features),
        "text encoder": (manifest.encoder_hash, encoder_hash),
        "text queries": (bool(manifest.config.text_query_weight), bool(config.text_query_weight)),
    }
    if "tags" in config.features:
        pairs["tags"] = ("by their mean" if manifest.format == 1 else "by their root", "by their root")
    differing = [f"{name}: {then} in the model, {now} now" for name, (then, now) in pairs.items() if then != now]
    if differing:
        raise MismatchError(
            f"--warm-start: the weights of the model {manifest.hash} have no place in this run. "
            f"{'; '.join(differing)}. Give the config and the encoder that it was trained with, or start afresh."
        )


def copy_weights(weights: Mapping[str, Tensor], towers: Mapping[str, nn.Module]) -> None:
    """Copy a model's weights into fresh towers; in a table that has grown, into its first rows.

    Raises MismatchError where the towers are not made of the same parts.
    """
    own = nn.ModuleDict(dict(towers)).state_dict()
    apart = sorted(own.keys() ^ weights.keys())
    if apart:
        raise MismatchError(f"--warm-start: {', '.join(apart)} is in one of the two models alone. Start afresh.")
    with torch.no_grad():
        for name, old in weights.items():
            new = own[name]
            (new[: len(old)] if old.ndim else new).copy_(old)
