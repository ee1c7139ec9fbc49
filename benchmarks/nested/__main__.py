"""One model that may be cut, beside a model trained for each length: what the one training costs.

    python -m benchmarks.nested PATH/TO/hetrec2011_lastfm PATH/TO/taste_profile PATH/TO/playlist_archive

Each set is imported, and trained on the common split by its config in benchmarks/quality, with 128 dims at least and
`nested_dims = [64, 32]`; that model is evaluated whole and as `nearfield shorten` cuts it, beside a model of each
length that was trained for that length alone. One seed.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import product
from benchmarks.harness.product import INTERACTIONS, import_data
from benchmarks.quality.questions import SHOWN
from benchmarks.quality.sets import CONFIGS
from embedding.data.train_config import load_config

_LENGTHS = (64, 32)
_LEAST_DIMS = 128
_WIDTH = 120


def main() -> None:
    """Parse the command line and print one table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+", help="folders of published files, named as their sets are")
    for source in parser.parse_args().sources:
        name = source.resolve().name
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            import_data(work, name, source)
            Console(width=_WIDTH).print(_compare(work, name))


def _compare(work: Path, name: str) -> Table:
    path = CONFIGS / f"{name}.toml"
    dims = max(load_config(path).dims, _LEAST_DIMS)
    rest = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("dims ="))
    table = Table("dims", *(f"one model, {key}" for key in SHOWN), *(f"its own, {key}" for key in SHOWN), title=name)

    def metrics(model: str) -> list[str]:
        report = product.evaluate(work, INTERACTIONS, "--baselines", "none", model=model)
        return [f"{report['metrics'][key]:.4f}" for key in SHOWN]

    product.train(work, INTERACTIONS, f"{rest}\ndims = {dims}\nnested_dims = {list(_LENGTHS)}\n")
    one = {dims: metrics("model")} | {length: metrics(product.shorten(work, length)) for length in _LENGTHS}
    for length, values in one.items():
        product.train(work, INTERACTIONS, f"{rest}\ndims = {length}\n")
        table.add_row(str(length), *values, *metrics("model"))
    return table


if __name__ == "__main__":
    main()
