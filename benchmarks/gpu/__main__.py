"""Training on a GPU: pairs a second, the share of the device's peak, and whether its towers are as good as the CPU's.

    python -m benchmarks.gpu
    python -m benchmarks.gpu PATH/TO/hetrec2011_lastfm PATH/TO/taste_profile

The first times whole steps by batch and size of the catalogue, on both devices. Of the peak: products of the
softmax over what a large product reaches, and bytes that a step must move at least (rows of tables with gradients and
moments, entries of histories, the softmax twice there and back) over what a large copy reaches. The second trains on
the common split of each set with its config in benchmarks/quality, once for each seed and device, and ranks the whole
catalogue: both devices draw the same batches, so that what is left is the order of their sums.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median, stdev

import msgspec
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.quality.sets import CONFIGS, ranked
from benchmarks.training_step.run import Run
from embedding.data.split import Split, split_pairs
from embedding.data.train_config import TrainConfig, load_config
from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from embedding.text.text_vectors import NoText
from embedding.training.dataset import open_dataset
from embedding.training.fit import fit_pairs

_CPU, _CUDA = torch.device("cpu"), torch.device("cuda")
_BATCHES = (1_024, 4_096, 16_384)
_CATALOGUES = (100_000, 1_000_000)
# Before and while steps are timed; on a CPU a step is long enough for fewer.
_WARM_UP, _STEPS, _STEPS_CPU = 20, 50, 8
_QUIET = Reporter("none")


def main() -> None:
    """Parse the command line and print a table of steps, or one of recall for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "sources", type=Path, nargs="*", help="folders of published files, named as in benchmarks.quality"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of the training runs")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error(f"torch {torch.__version__} finds no CUDA device; this benchmark needs one")
    console = Console(width=120)
    console.print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    if not arguments.sources:
        console.print(_steps())
    for source in arguments.sources:
        console.print(_parity(source.resolve(), arguments.seeds))


def _steps() -> Table:
    table = Table("device", "batch", "items", "median ms", "pairs a second", "of peak products", "of peak bytes")
    flops, bytes_s = _peaks()
    threads = torch.get_num_threads()
    # As training does.
    torch.set_num_threads(max(1, threads // 2))
    for batch in _BATCHES:
        for items in _CATALOGUES:
            config = TrainConfig(features=("id", "creators"), history_length=50, batch_size=batch)
            for device in (_CUDA, _CPU):
                run = Run(items, rows_only=True, device=device, config=config)
                steps = _STEPS if device == _CUDA else _STEPS_CPU
                for step in range(_WARM_UP if device == _CUDA else 2):
                    run.step(step)
                took = median(run.step(_WARM_UP + step) for step in range(steps))
                shares = ("", "")
                if device == _CUDA:
                    products, moved = 6 * batch**2 * config.dims, run.bytes_moved()
                    shares = (f"{products / took / flops:.2%}", f"{moved / took / bytes_s:.2%}")
                table.add_row(
                    device.type, f"{batch:,}", f"{items:,}", f"{1e3 * took:.2f}", f"{batch / took:,.0f}", *shares
                )
        table.add_section()
    torch.set_num_threads(threads)
    return table


def _peaks() -> tuple[float, float]:
    """Float32 operations and bytes a second that the device reaches where there is nothing else to do."""
    size = 8_192
    left, right = torch.randn(size, size, device=_CUDA), torch.randn(size, size, device=_CUDA)
    large = torch.empty(1 << 30, dtype=torch.uint8, device=_CUDA)
    products = _seconds(lambda: left @ right)
    copied = _seconds(lambda: large.clone())
    return 2 * size**3 / products, 2 * large.numel() / copied


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(6):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _parity(source: Path, seeds: list[int]) -> Table:
    base = load_config(CONFIGS / f"{source.name}.toml")
    title = f"{source.name}, common split"
    table = Table("device", *(f"recall@20, seed {seed}" for seed in seeds), "mean", "sd", "train s", title=title)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with Rejects(work / "rejects.jsonl") as rejects:
            import_set(source.name, source, work, rejects, 0.0, _QUIET)
        with open_dataset(work / "catalogue.jsonl", work / "interactions.jsonl", work, 0.0, _QUIET) as data:
            parts = split_pairs(data.pairs, data.rows, Split(name="common"))
            for device in (_CUDA, _CPU):
                found, seconds = [], []
                for seed in seeds:
                    config = msgspec.structs.replace(base, seed=seed)
                    start = time.monotonic()
                    fitted = fit_pairs(data, parts.train, config, NoText(), device, _QUIET)
                    seconds.append(time.monotonic() - start)
                    found.append(ranked(fitted, data, parts, config)["recall@20"])
                spread = stdev(found) if len(found) > 1 else 0.0
                figures = (*found, fmean(found), spread)
                table.add_row(device.type, *(f"{figure:.4f}" for figure in figures), f"{fmean(seconds):.1f}")
    return table


if __name__ == "__main__":
    main()
