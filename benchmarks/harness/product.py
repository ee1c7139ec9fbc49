"""The product's own commands, as a researcher types them, in a folder of their own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

CATALOGUE = "data/catalogue.jsonl"
INTERACTIONS = "data/interactions.jsonl"
_MODEL = "model"
_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_QUIET = ("--progress", "none")


def import_data(work: Path, name: str, source: Path) -> None:
    """Bring the published files in `source` into `work`."""
    _nearfield(work, "import", name, str(source.resolve()), "data", *_QUIET)


def train(work: Path, interactions: str, config: str, *options: str) -> None:
    """Train a model on `interactions` with the TOML text `config`; it replaces the one before."""
    (work / "train.toml").write_text(config, encoding="utf-8")
    data = ("--catalogue", CATALOGUE, "--interactions", interactions)
    _nearfield(work, "train", *data, "--out", _MODEL, "--config", "train.toml", *options, *_QUIET)


def shorten(work: Path, dims: int) -> str:
    """Cut the model that was trained last; the name of what comes of it."""
    out = f"{_MODEL}-{dims}"
    _nearfield(work, "shorten", _MODEL, "--dims", str(dims), "--out", out)
    return out


def evaluate(work: Path, interactions: str, *options: str, model: str = _MODEL) -> dict[str, Any]:
    """The report on a model, unless told the one that was trained last."""
    data = ("--catalogue", CATALOGUE, "--interactions", interactions)
    report: dict[str, Any] = msgspec.json.decode(
        _nearfield(work, "evaluate", model, *data, *options, "--json", *_QUIET)
    )
    return report


def _nearfield(work: Path, *arguments: str) -> bytes:
    return subprocess.run([*_CLI, *arguments], cwd=work, check=True, stdout=subprocess.PIPE).stdout
