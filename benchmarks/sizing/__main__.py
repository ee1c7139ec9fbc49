"""What a catalogue of any size needs on disk and in memory, by arithmetic from what two small releases take.

    python -m benchmarks.sizing [--items 20000] [--node-gib 64] [--replicas 2] [--folder F]

Measured: bytes of two releases on this machine, embedded, one of `items` and one of a quarter of them, and the memory
of a process that opened each and answered. What an item costs is the difference over the difference; what is left is
the fixed cost. Extrapolated: everything in the second table. A node of a Qdrant server is taken to hold an item as
the embedded engine does: it is the same engine, but no server was measured.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.build.world import TEXT_DIMS, TOWER_DIMS
from benchmarks.sizing.arithmetic import KEPT_BYTES, SIZES, Taken, line_of, per_item
from benchmarks.sizing.world import Memory, build_sized, on_disk

_MIB, _GIB = 1 << 20, 1 << 30


_PARTS = {
    "points": "points on disk: vectors, graphs, payload, indexes",
    "columns": "columns on disk",
    "rest": "users, model and the rest on disk",
    "engine": "memory of its own, engine alone",
    "worker": "memory of its own, worker and engine",
}


def main() -> None:
    """Parse the command line and print what was measured, then what follows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--node-gib", type=float, default=64.0)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the made-up releases lie or are built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / "nearfield-sizing"
    sizes = (arguments.items // 4, arguments.items)
    small, large = (_measured(folder / str(size), size) for size in sizes)
    item = per_item(small, sizes[0], large, sizes[1])
    encoder = _memory_of("encoder", folder).own
    # Imports, models and caches of a worker: what it holds of its own beyond its items.
    fixed_worker = max(0.0, large.worker - sizes[1] * item.worker) + encoder + KEPT_BYTES
    print(f"Measured, embedded, {TOWER_DIMS}-d tower and {TEXT_DIMS}-d texts:\n")
    heads = (f"{sizes[0]:,} items, MiB", f"{sizes[1]:,} items, MiB", "bytes an item")
    rows = [
        (words, f"{_part(small, name) / _MIB:,.1f}", f"{_part(large, name) / _MIB:,.1f}", f"{_part(item, name):,.0f}")
        for name, words in _PARTS.items()
    ]
    _print_table(("", *heads), rows)
    print(
        f"\nA worker besides: text encoder and its library {encoder / _MIB:,.0f} MiB; vectors that scans keep side by"
    )
    print(f"side, {KEPT_BYTES / _MIB:,.0f} MiB at most.")
    print(f"\nExtrapolated, nodes of {arguments.node_gib:g} GiB, {arguments.replicas} replicas:\n")
    lines = [(size, line_of(size, item, fixed_worker, arguments.node_gib * _GIB, arguments.replicas)) for size in SIZES]
    needs = ("Qdrant nodes", "memory used of each", "release folder", "a worker's own memory", "or embedded, 2 workers")
    _print_table(
        ("items", "points, one copy", *needs),
        [
            (
                f"{size:,}",
                _gib(line.points),
                f"{line.nodes}",
                _gib(line.node_memory),
                _gib(line.folder),
                _gib(line.worker),
                _gib(line.embedded),
            )
            for size, line in lines
        ],
    )


def _measured(folder: Path, num_items: int) -> Taken:
    release = build_sized(folder, num_items)
    points, columns = on_disk(release / "points"), on_disk(release / "columns")
    return Taken(
        points=points,
        columns=columns,
        rest=on_disk(release) - points - columns,
        engine=_memory_of("engine", folder).own,
        worker=_memory_of("worker", folder).own,
    )


def _memory_of(kind: str, folder: Path) -> Memory:
    command = [sys.executable, "-m", "benchmarks.sizing.world", kind, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Memory)


def _part(taken: Taken, name: str) -> float:
    return float(getattr(taken, name))


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """As Markdown, so that README.md can show it as it is printed."""
    print(f"| {' | '.join(heads)} |")
    print(f"| {' | '.join('---' if place == 0 else '---:' for place in range(len(heads)))} |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _gib(size: float) -> str:
    return f"{size / _GIB:,.1f} GiB"


if __name__ == "__main__":
    main()
