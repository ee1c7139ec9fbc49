"""What the sign of the logQ correction does on a skewed planted world: with it, without it, reversed.

    python -m benchmarks.logq

Listeners of ten tastes hear items by taste and, within it, by a popularity that falls as a power law. The same plain
tables learn from the same batches, with the softmax over the whole catalogue too; what was planted says what is right.
Takes some seconds.
"""

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.logq.planted import OBJECTIVES, K, learn, make_world


def main() -> None:
    """Print one row for each objective."""
    torch.set_num_threads(1)
    world = make_world()
    table = Table("objective", f"recall@{K} of the most there is", "KL from the truth", f"popularity of the top {K}")
    for name, sign in OBJECTIVES.items():
        found = learn(world, sign)
        table.add_row(name, f"{found.recall:.3f}", f"{found.divergence:.3f}", f"{found.popularity:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
