"""The arithmetic of the sizing table, by numbers that can be checked in the head; README shows what it prints."""

import re
from pathlib import Path

from benchmarks.sizing.arithmetic import KEPT_BYTES, SIZES, Taken, line_of, per_item
from indexing.search import allowed_rows

GIB = 1 << 30
README = Path(__file__).parents[2] / "README.md"
ITEM = Taken(points=2_000.0, columns=1_500.0, rest=500.0, engine=400.0, worker=600.0)


def test_an_item_costs_the_difference_and_never_less_than_nothing() -> None:
    small = Taken(points=1_500.0, columns=900.0, rest=100.0, engine=50.0, worker=80.0)
    large = Taken(points=4_500.0, columns=2_900.0, rest=100.0, engine=40.0, worker=380.0)
    assert per_item(small, 10, large, 20) == Taken(points=300.0, columns=200.0, rest=0.0, engine=0.0, worker=30.0)


def test_what_a_number_of_items_needs() -> None:
    # 2,400 bytes an item in memory, of two copies, of two releases: 9,600.
    line = line_of(10_000_000, ITEM, fixed_worker=5e8, node_bytes=20e9, replicas=2)
    assert line.points == 20e9
    # Three quarters of 20 GB are 15: 96 GB take seven.
    assert line.nodes == 7
    assert line.node_memory == 96e9 / 7
    assert line.folder == 20e9
    # A worker over a server holds what is not the engine's.
    assert line.worker == 5e8 + 2e9
    # Points and folder once, two workers with an engine each.
    assert line.embedded == 20e9 + 20e9 + 2 * (5e8 + 6e9)


def test_a_cluster_has_three_nodes_and_as_many_as_copies() -> None:
    assert line_of(1_000, ITEM, 0.0, 64.0 * GIB, replicas=2).nodes == 3
    assert line_of(1_000, ITEM, 0.0, 64.0 * GIB, replicas=5).nodes == 5


def test_what_scans_keep_is_what_they_may() -> None:
    assert allowed_rows._KEPT_BYTES == KEPT_BYTES


def test_the_readme_shows_a_line_for_each_size() -> None:
    text = README.read_text(encoding="utf-8")
    for size in SIZES:
        assert re.search(rf"^\| {size:,} \|( [\d.,]+( GiB)? \|){{6}}$", text, flags=re.MULTILINE), size
