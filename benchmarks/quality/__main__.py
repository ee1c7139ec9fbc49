"""Recall and ndcg of the towers and of their peers on three public data sets, by the product's own commands.

    python -m benchmarks.quality PATH/TO/hetrec2011_lastfm PATH/TO/taste_profile PATH/TO/playlist_archive
    python -m benchmarks.quality PATH/TO/taste_profile --within-train

The first imports each set, trains on the common split with its config in benchmarks/quality, seeds 0 to 2, and
evaluates on the test pairs beside every baseline that reads no text; then it asks what that split cannot: items that
nobody heard, listeners never seen, what comes later. The name of the folder says which set it is.
The second looks at no test pair: it holds a fifth of the training pairs out and shows there what each setting gives,
changed alone. The configs were chosen by it.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean, stdev

import msgspec
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.harness import product
from benchmarks.harness.product import CATALOGUE, INTERACTIONS, import_data
from benchmarks.quality.questions import SHOWN, answer
from benchmarks.quality.sets import CONFIGS, SETS, ranked
from embedding.data.split import Split, SplitPairs, split_pairs, validation_split
from embedding.data.train_config import TrainConfig, load_config
from embedding.progress import Reporter
from embedding.text.text_vectors import NoText
from embedding.training.dataset import Dataset, open_dataset
from embedding.training.fit import fit_pairs

SEEDS = (0, 1, 2)
CHOICES: dict[str, tuple[int | float | str, ...]] = {
    "dims": (64, 192, 256),
    "epochs": (4, 16),
    "batch_size": (256, 512, 2_048),
    "learning_rate": (0.004, 0.012),
    "temperature": (0.08, 0.12),
    "id_dropout": (0.1, 0.6),
    "min_creator_items": (1, 2),
    "history_weights": ("sign", "log"),
    "hard_negatives": (0, 8, 16),
}
BASELINES = "popularity,item-knn,ease,als,bpr"
# A table that is written to a file is as wide as on a screen.
_WIDTH = 120


def main() -> None:
    """Parse the command line and print one table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+", help=f"folders of published files, named {', '.join(SETS)}")
    parser.add_argument("--within-train", action="store_true", help="choose settings; look at no test pair")
    parser.add_argument("--questions", action="store_true", help="ask only what the common split cannot")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the training runs")
    arguments = parser.parse_args()
    unknown = [source.name for source in arguments.sources if source.resolve().name not in SETS]
    if unknown:
        parser.error(f"expected folders named {', '.join(SETS)}; got {unknown[0]}")
    for source in arguments.sources:
        name = source.resolve().name
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            import_data(work, name, source)
            if arguments.within_train:
                _choose(work, name)
                continue
            if not arguments.questions:
                _measure(work, name, arguments.seeds)
            config = (CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
            Console(width=_WIDTH).print(answer(work, name, config, arguments.seeds))


def _measure(work: Path, name: str, seeds: list[int]) -> None:
    runs, seconds = [], []
    for place, seed in enumerate(seeds):
        start = time.monotonic()
        product.train(work, INTERACTIONS, f"{(CONFIGS / f'{name}.toml').read_text(encoding='utf-8')}seed = {seed}\n")
        seconds.append(time.monotonic() - start)
        runs.append(product.evaluate(work, INTERACTIONS, "--baselines", BASELINES if place == 0 else "none"))
    table = Table("", *SHOWN, "recall@20, 95 %", title=f"{name}, common split")
    means = [fmean(run["metrics"][key] for run in runs) for key in SHOWN]
    seeds_text = ", ".join(map(str, seeds))
    table.add_row(f"towers, mean of seeds {seeds_text}", *(f"{mean:.4f}" for mean in means), "")
    for seed, run in zip(seeds, runs, strict=True):
        table.add_row(f"towers, seed {seed}", *_row(run["metrics"], run["intervals"]["towers"]))
    for baseline, values in runs[0]["baselines"].items():
        table.add_row(baseline, *_row(values, runs[0]["intervals"][baseline]))
    slices = Table("recall@20, seed " + str(seeds[0]), "pairs", "towers", *runs[0]["baselines"])
    for label, part in runs[0]["slices"]["towers"].items():
        peers = (runs[0]["slices"][baseline][label]["recall"] for baseline in runs[0]["baselines"])
        slices.add_row(label, f"{part['pairs']:,}", f"{part['recall']:.3f}", *(f"{peer:.3f}" for peer in peers))
    console = Console(width=_WIDTH)
    console.print(table, slices)
    spread = stdev(run["metrics"]["recall@20"] for run in runs) if len(runs) > 1 else 0.0
    threads = torch.get_num_threads()
    console.print(
        f"train: {fmean(seconds):.0f} s a seed, {threads} threads, torch {torch.__version__}; "
        f"standard deviation of recall@20 over seeds {spread:.4f}"
    )


def _row(values: dict[str, float], intervals: dict[str, tuple[float, float]]) -> list[str]:
    low, high = intervals["recall@20"]
    return [*(f"{values[key]:.4f}" for key in SHOWN), f"{low:.3f} to {high:.3f}"]


def _choose(work: Path, name: str) -> None:
    base = load_config(CONFIGS / f"{name}.toml")
    table = Table("changed", *SHOWN, "seconds", title=f"{name}, within the training pairs")
    with open_dataset(work / CATALOGUE, work / INTERACTIONS, work, 0.0, Reporter("none")) as data:
        parts = validation_split(split_pairs(data.pairs, data.rows, Split(name="common")).train)
        tried = [
            (f"{key} = {value}", {key: value})
            for key, values in CHOICES.items()
            for value in values
            if getattr(base, key) != value
        ]
        for label, change in [("as in the file", {}), *tried]:
            config = msgspec.structs.replace(base, **change)
            start = time.monotonic()
            values = _validate(data, parts, config)
            table.add_row(label, *(f"{values[key]:.4f}" for key in SHOWN), f"{time.monotonic() - start:.0f}")
    Console(width=_WIDTH).print(table)


def _validate(data: Dataset, parts: SplitPairs, config: TrainConfig) -> dict[str, float]:
    fitted = fit_pairs(data, parts.train, config, NoText(), torch.device("cpu"), Reporter("none"))
    return ranked(fitted, data, parts, config)


if __name__ == "__main__":
    main()
