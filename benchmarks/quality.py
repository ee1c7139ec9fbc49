"""Recall and ndcg of the towers on HetRec 2011 Last.fm, from the published files, by the product's own commands.

    python -m benchmarks.quality PATH/TO/hetrec2011_lastfm
    python -m benchmarks.quality PATH/TO/hetrec2011_lastfm --within-train

The first imports, trains on the common split with benchmarks/configs/hetrec.toml and evaluates on its test pairs.
The second looks at no test pair: it holds a fifth of the training pairs out and shows there what each setting gives,
changed alone. The config was chosen by it.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.table import Table

from embedding.dataset import Dataset, open_dataset
from embedding.evaluate_run import encode_for
from embedding.evaluation import Task, evaluate
from embedding.progress import Reporter
from embedding.split import Parts, Split, split_pairs, validation_split
from embedding.text_vectors import NoText
from embedding.tower_scorer import TowerScorer
from embedding.train_config import TrainConfig, load_config
from embedding.train_run import fit_pairs

CONFIG = Path(__file__).parent / "configs" / "hetrec.toml"
CHOICES: dict[str, tuple[int | float, ...]] = {
    "epochs": (6, 12),
    "batch_size": (512, 2_048),
    "learning_rate": (0.004, 0.012),
    "temperature": (0.08, 0.12),
    "id_dropout": (0.0, 0.15),
}
SHOWN = ("recall@20", "ndcg@20")
_CLI = (sys.executable, "-c", "from service.cli import main; main()")


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with the published .dat files (gzip or not)")
    parser.add_argument("--within-train", action="store_true", help="choose settings; look at no test pair")
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _nearfield(work, "import", "hetrec2011_lastfm", str(source), "data")
        if arguments.within_train:
            _choose(work)
        else:
            _measure(work)


def _measure(work: Path) -> None:
    data = ("--catalogue", "data/catalogue.jsonl", "--interactions", "data/interactions.jsonl")
    start = time.monotonic()
    _nearfield(work, "train", *data, "--out", "model", "--config", str(CONFIG))
    seconds = time.monotonic() - start
    report = msgspec.json.decode(_nearfield(work, "evaluate", "model", *data, "--json"))
    table = Table("", *SHOWN, title="HetRec 2011 Last.fm, common split")
    for name, values in {"towers": report["metrics"], **report["baselines"]}.items():
        table.add_row(name, *(f"{values[key]:.4f}" for key in SHOWN))
    console = Console()
    console.print(table)
    console.print(f"train: {seconds:.0f} s, {torch.get_num_threads()} threads, torch {torch.__version__}")


def _choose(work: Path) -> None:
    base = load_config(CONFIG)
    table = Table("changed", *SHOWN, "seconds", title="Within the training pairs")
    with open_dataset(
        work / "data" / "catalogue.jsonl", work / "data" / "interactions.jsonl", work, 0.0, Reporter("none")
    ) as data:
        parts = validation_split(split_pairs(data.pairs, Split(name="common")).train)
        tried = [(f"{key} = {value}", {key: value}) for key, values in CHOICES.items() for value in values]
        for label, change in [("as in the file", {}), *tried]:
            config = msgspec.structs.replace(base, **change)
            start = time.monotonic()
            values = _validate(data, parts, config)
            table.add_row(label, *(f"{values[key]:.4f}" for key in SHOWN), f"{time.monotonic() - start:.0f}")
    Console().print(table)


def _validate(data: Dataset, parts: Parts, config: TrainConfig) -> dict[str, float]:
    quiet, texts = Reporter("none"), NoText()
    fitted = fit_pairs(data, parts.train, config, texts, torch.device("cpu"), quiet)
    task = Task.of(parts, len(data.item_rows))
    rows, vectors = encode_for(fitted.trained.candidate, fitted.vocabulary, task, data, texts, quiet)
    return evaluate(TowerScorer(fitted.trained.query, config, task, rows, vectors), task, quiet, "towers")


def _nearfield(work: Path, *arguments: str) -> bytes:
    return subprocess.run([*_CLI, *arguments], cwd=work, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()
