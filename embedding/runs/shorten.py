"""A run of `nearfield shorten`: a model cut to fewer dims, of those that it was trained for."""

from pathlib import Path

import msgspec
from safetensors.torch import save_file

from embedding.errors import UsageError
from embedding.runs.model_card import model_card
from embedding.towers.model import Towers
from embedding.towers.model_folder import FORMAT, WEIGHTS, ModelManifest, check_out, write_model


def run_shortening(model: Path, dims: int, out: Path) -> ModelManifest:
    """Write to `out` the model in `model` with only the first `dims` of each weight.

    Every vector of it is the beginning of the whole model's, scaled to length one, so nothing has to be trained.
    Raises UsageError for dims that it was not trained for, for an `out` that holds something else or is the model
    itself; and what `Towers.load` raises.
    """
    check_out(out)
    if out.resolve() == model.resolve():
        raise UsageError(f"--out {out} is the model itself, which would be lost: expected another folder.")
    towers = Towers.load(model)
    manifest = towers.manifest
    nested = manifest.config.nested_dims
    if dims not in nested:
        lengths = ", ".join(map(str, sorted(nested))) or "none: set `nested_dims` in the config, and train again"
        raise UsageError(f"--dims {dims}: the model {model} can be cut to {lengths}.")
    # The last axis of every weight is that of the vectors.
    weights = {name: values[..., :dims].contiguous() for name, values in towers.weights().items()}

    def write(folder: Path) -> None:
        towers.vocabulary.save(folder)
        save_file(weights, folder / WEIGHTS)

    config = msgspec.structs.replace(
        manifest.config, nested_dims=tuple(length for length in nested if length < dims), dims=dims
    )
    shorter = msgspec.structs.replace(
        manifest, format=FORMAT, hash="", files={}, dims=dims, config=config, shortened_from=manifest.hash
    )
    return write_model(out, shorter, write, lambda finished: model_card(finished, None, ()))
