"""Rows of each format read a second on one core, and the peak memory of the process that reads them.

    python -m benchmarks.reading [--items 100000] [--beside WORKTREE] [--folder F]

Each file is read in a process of its own, which validates every row, as `nearfield check` does. With `--beside`, a
working tree of another commit reads the same files, and the last column is this build's peak memory over its. How many
times as fast the two are is told with an interval by `python -m benchmarks.against WORKTREE reading`.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.against.builds import OURS, Build
from benchmarks.reading.reader import Read
from benchmarks.reading.world import write_files

_MIB = 1 << 20


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--beside", type=Path, metavar="WORKTREE")
    parser.add_argument("--folder", type=Path, help="where the files are written and kept")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / "nearfield-reading"
    folder.mkdir(parents=True, exist_ok=True)
    builds = [Build(OURS), *([Build(arguments.beside.resolve())] if arguments.beside else [])]
    table = Table(title=f"{arguments.items:,} rows, read and validated")
    heads = [head for build in builds for head in (f"rows/s, {build.commit()}", "peak MiB")]
    for head in ("format", *heads, *(["ratio of peaks"] if arguments.beside else [])):
        table.add_column(head, justify="left" if head == "format" else "right")
    for name, path in write_files(folder, arguments.items).items():
        reads = [_read(build, path) for build in builds]
        cells = [cell for one in reads for cell in (f"{one.rows / one.seconds:,.0f}", f"{one.peak_bytes / _MIB:,.0f}")]
        ratio = [f"{reads[0].peak_bytes / reads[1].peak_bytes:.3f}"] if arguments.beside else []
        table.add_row(name, *cells, *ratio)
    Console(width=120).print(table)


def _read(build: Build, path: Path) -> Read:
    command = build.command("benchmarks.reading.reader", str(path))
    done = subprocess.run(command, env=build.environ, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Read)


if __name__ == "__main__":
    main()
