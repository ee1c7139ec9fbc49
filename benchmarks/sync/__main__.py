"""A sync beside a full build of the same catalogue from cached vectors, and beside reading and hashing its file.

    python -m benchmarks.sync [--items 100000] [--no-text] [--rounds 3] [--folder F] [--no-text --built-s S]

The commands are run as a person types them, start of the interpreter included. One row in a hundred differs: half of
those in a field that vectors are made of, half in another. Each round syncs to the changed catalogue, then again to
the same one, then back. A build of a million takes long: with --built-s the one that `benchmarks.build` left in the
same folder serves. Reading and hashing is what a sync did before it knew lines: each row read and judged, and its two
hashes computed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.build.programs import BUILT
from benchmarks.build.world import TEXT_DIMS, fill_cache, make_world
from benchmarks.harness.world import PlantedEncoder
from embedding.text.encoder_folder import find_encoder

_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_EVERY = 100
_READ = """
import sys
from pathlib import Path
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from indexing.columns.columns import row_hashes
with Rejects(Path(sys.argv[2])) as rejects:
    for items in read_catalogue(Path(sys.argv[1]), rejects):
        for item in items:
            row_hashes(item, ("id", "creators"))
"""


def main() -> None:
    """Parse the command line, run, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--text", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    parser.add_argument(
        "--built-s", type=float, help="seconds that benchmarks.build took for the release that it left in the folder"
    )
    arguments = parser.parse_args()
    if arguments.built_s is not None and arguments.text:
        parser.error("--built-s goes with --no-text: benchmarks.build encodes texts under another encoder's name")
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-build-{arguments.items}-{arguments.text}"
    make_world(folder, arguments.items, text=arguments.text)
    newer = _changed(folder)
    if arguments.text:
        # Planted vectors under the packaged encoder's name, so that the commands find every text in the cache.
        encoder = PlantedEncoder(TEXT_DIMS)
        encoder.hash = find_encoder(None).hash
        fill_cache(folder, encoder, (folder / "catalogue.jsonl", newer))
    if arguments.built_s is not None:
        _measure(folder, newer, folder / BUILT, arguments)
    else:
        with tempfile.TemporaryDirectory(dir=folder) as data_dir:
            _measure(folder, newer, Path(data_dir), arguments)


def _changed(folder: Path) -> Path:
    """The catalogue with every hundredth row changed, by turns in its title and creator or in its length."""
    path = folder / "newer.jsonl"
    with (folder / "catalogue.jsonl").open() as lines, path.open("w") as file:
        for number, line in enumerate(lines):
            if number % _EVERY == 0:
                row = json.loads(line)
                if number % (2 * _EVERY):
                    row["duration_s"] = 1
                else:
                    row["creator"] = "Another creator"
                line = json.dumps(row) + "\n"
            file.write(line)
    return path


def _measure(folder: Path, newer: Path, data_dir: Path, arguments: argparse.Namespace) -> None:
    older = folder / "catalogue.jsonl"
    # Nothing is compacted between two rounds.
    environ = os.environ | {
        "NEARFIELD_DATA_DIR": str(data_dir),
        "NEARFIELD_CACHE_DIR": str(folder / "cache"),
        "NEARFIELD_MAX_JOURNAL_SHARE": "1",
    }

    def command(*words: str) -> float:
        began = time.perf_counter()
        subprocess.run([*_CLI, *words], env=environ, check=True, stdout=subprocess.PIPE, cwd=folder)
        return time.perf_counter() - began

    build_s = arguments.built_s
    if build_s is None:
        model = ("--model", str(folder / "model"), "--interactions", str(folder / "interactions.jsonl"))
        flag = "--text" if arguments.text else "--no-text"
        build_s = command("index", "build", str(older), *model, flag, "--activate")
    else:
        (release,) = (path.name for path in (data_dir / "releases").glob("r*") if "." not in path.name)
        command("index", "activate", release)
    took: dict[str, list[float]] = {"1 % changed": [], "nothing changed": [], "reading and hashing": []}
    for _ in range(arguments.rounds):
        for catalogue in (newer, older):
            took["1 % changed"].append(command("index", "sync", str(catalogue)))
            took["nothing changed"].append(command("index", "sync", str(catalogue)))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", _READ, str(older), str(data_dir / "rejects.csv")], check=True)
        took["reading and hashing"].append(time.perf_counter() - began)
    middle = {name: statistics.median(times) for name, times in took.items()}
    table = Table(title=f"full build {build_s:.1f} s")
    for heading in ("", "s", "of a build, %", "of reading and hashing"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, seconds in middle.items():
        share, times = 100 * seconds / build_s, seconds / middle["reading and hashing"]
        table.add_row(name, f"{seconds:.2f}", f"{share:.2f}", f"{times:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
