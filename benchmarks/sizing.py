"""What a catalogue of any size needs on disk and in memory, by arithmetic from what two small releases take.

    python -m benchmarks.sizing [--items 20000] [--node-gib 64] [--replicas 2] [--folder F]

Measured: bytes of two releases on this machine, embedded, one of `items` and one of a quarter of them, and the memory
of a process that opened each and answered. What an item costs is the difference over the difference; what is left is
the fixed cost. Extrapolated: everything in the second table. A node of a Qdrant server is taken to hold an item as
the embedded engine does: it is the same engine, but no server was measured.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.sizing_world import TEXT_DIMS, TOWER_DIMS, Memory, build_sized

SIZES = (1_000_000, 10_000_000, 100_000_000)
# What the system, the write-ahead log and merging of segments leave of a node's memory for points.
_USABLE = 0.75
# The live release, and the next one while it is built and proved beside it.
_AT_ONCE = 2
# A cluster decides by majority: three nodes outlive one.
_FEWEST_NODES = 3
# Of a worker: indexing/search/allowed_rows.py keeps no more.
KEPT_BYTES = 128 << 20
_MIB, _GIB = 1 << 20, 1 << 30


_PARTS = {
    "points": "points on disk: vectors, graphs, payload, indexes",
    "columns": "columns on disk",
    "rest": "users, model and the rest on disk",
    "engine": "memory of its own, engine alone",
    "worker": "memory of its own, worker and engine",
}


class Taken(Struct, frozen=True):
    """Bytes of one release, or of one item: its parts on disk, and what processes over it hold of their own."""

    points: float
    columns: float
    rest: float
    engine: float
    worker: float


class Line(Struct, frozen=True):
    """What a number of items needs, in bytes but for `nodes`."""

    points: float
    node_memory: float
    nodes: int
    folder: float
    worker: float
    embedded: float


def per_item(small: Taken, num_small: int, large: Taken, num_large: int) -> Taken:
    """Bytes that each further item costs, between two releases; never below zero."""

    def slope(name: str) -> float:
        more = getattr(large, name) - getattr(small, name)
        return max(0.0, float(more) / (num_large - num_small))

    return Taken(*(slope(name) for name in Taken.__struct_fields__))


def line_of(num_items: int, item: Taken, fixed_worker: float, node_bytes: float, replicas: int) -> Line:
    """The needs of `num_items`, each as `item`, on nodes of `node_bytes` with `replicas` copies.

    Points are counted as in memory whole: a graph that is read from disk answers in tens of milliseconds.
    """
    in_memory = num_items * (item.points + item.engine)
    all_copies = in_memory * replicas * _AT_ONCE
    nodes = max(_FEWEST_NODES, replicas, math.ceil(all_copies / (node_bytes * _USABLE)))
    # A worker over a server has no points of its own.
    worker = fixed_worker + num_items * max(0.0, item.worker - item.engine)
    folder = num_items * (item.columns + item.rest)
    return Line(
        points=num_items * item.points,
        node_memory=all_copies / nodes,
        nodes=nodes,
        folder=folder,
        worker=worker,
        embedded=num_items * item.points + folder + 2 * (fixed_worker + num_items * item.worker),
    )


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


def on_disk(folder: Path) -> int:
    """Bytes that all files below a folder take."""
    # Files of the engine are made larger than what is in them: blocks tell what they take.
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _memory_of(kind: str, folder: Path) -> Memory:
    command = [sys.executable, "-m", "benchmarks.sizing_world", kind, str(folder)]
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
