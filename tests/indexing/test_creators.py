"""The rows of blocked creators are those whose payloads name one of them."""

from pathlib import Path

import pytest

from indexing.creators import Creators, CreatorsWriter
from tests.indexing.drawn import payloads


@pytest.mark.parametrize("num_rows", [0, 1, 80])
def test_rows_are_those_whose_payloads_name_one(tmp_path: Path, num_rows: int) -> None:
    rows = payloads(9, num_rows)
    writer = CreatorsWriter()
    writer.add(rows[:30])
    writer.add(rows[30:])
    writer.save(tmp_path)
    creators = Creators(tmp_path)
    known = sorted({key for payload in rows for key in payload.creator_keys})
    for wanted in ([], ["nobody"], known[:1], known[1:3], [*known, "nobody"]):
        expected = [row for row, payload in enumerate(rows) if set(wanted) & set(payload.creator_keys)]
        assert creators.rows(wanted).tolist() == expected
