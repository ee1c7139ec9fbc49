"""Time of a training step by size of the catalogue, beside a plain loop with dense gradients and Adam over every row.

    python -m benchmarks.training_step

The same model and the same batches in all of them, about 100,000 items that lie scattered over the catalogue.
"""

import argparse
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.training_step.run import CONFIG, WARM_UP, Run, spare_threads


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs=2, default=[100_000, 1_000_000], help="sizes of the catalogue")
    parser.add_argument("--steps", type=int, default=20, help="steps of each run")
    arguments = parser.parse_args()
    small, large = arguments.items
    spare_threads()
    runs = {
        f"row by row, {small:,} items": Run(small, rows_only=True),
        f"row by row, {large:,} items": Run(large, rows_only=True),
        f"dense Adam, {large:,} items": Run(large, rows_only=False),
    }
    for run in runs.values():
        for step in range(WARM_UP if run.rows_only else 2):
            run.step(step)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for step in range(WARM_UP, WARM_UP + arguments.steps):
        for name, run in runs.items():
            times[name].append(run.step(step))
    table = Table("", "median ms", "fastest ms", "pairs a second", title=f"a step of {CONFIG.batch_size:,} pairs")
    for name, taken in times.items():
        middle = median(taken)
        figures = (1e3 * middle, 1e3 * min(taken), CONFIG.batch_size / middle)
        table.add_row(name, *(f"{figure:,.1f}" for figure in figures))
    small_s, large_s, dense_s = (median(taken) for taken in times.values())
    console = Console()
    console.print(table)
    console.print(f"{large:,} beside {small:,} items: {large_s / small_s:.3f} of the time")
    console.print(f"throughput at {large:,} items, of the dense loop's: {dense_s / large_s:.2f}")
    console.print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
