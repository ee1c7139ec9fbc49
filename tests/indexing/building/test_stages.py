"""Which of a build's files are flushed before it is said that they are whole."""

from pathlib import Path

import pytest

from indexing.building.stages import WrittenColumns, mark_written, written_in
from indexing.release.manifest import Counts

COUNTS = Counts(
    points=1, tracks=1, episodes=0, passages=0, users=0, interactions=0, rejected_rows=0, rejected_interactions=0
)
WRITTEN = WrittenColumns(COUNTS, {"text": 4}, ("title",), ())


@pytest.mark.parametrize("points", ["points", "points.passages"])
def test_points_at_which_the_engine_is_still_at_work_are_left_to_it(tmp_path: Path, points: str) -> None:
    for name in ("columns", f"{points}/segments"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "columns" / "ids").write_bytes(b"1")
    # As a file that is listed, and gone when it is opened: the process that writes points replaces its files.
    (tmp_path / points / "segments" / "mask.tmp").symlink_to(tmp_path / "gone")
    mark_written(tmp_path, WRITTEN)
    assert written_in(tmp_path) == WRITTEN
