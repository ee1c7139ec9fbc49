"""What a number of items needs, by multiplication, from what an item takes, by the difference of two releases."""

import math

from msgspec import Struct

SIZES = (1_000_000, 10_000_000, 100_000_000)
# What the system, the write-ahead log and merging of segments leave of a node's memory for points.
_USABLE = 0.75
# The live release, and the next one while it is built and proved beside it.
_AT_ONCE = 2
# A cluster decides by majority: three nodes outlive one.
_FEWEST_NODES = 3
# Of a worker: indexing/search/allowed_rows.py keeps no more.
KEPT_BYTES = 128 << 20


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
