"""The rows of some values are those whose payloads have one of them."""

from pathlib import Path

import numpy as np
import pytest

from indexing.columns.postings import Postings, PostingsWriter
from tests.indexing.drawn import payloads


@pytest.mark.parametrize("num_rows", [0, 1, 80])
def test_rows_are_those_whose_payloads_name_one(tmp_path: Path, num_rows: int) -> None:
    rows = payloads(9, num_rows)
    writer = PostingsWriter()
    for payload in rows:
        writer.add(payload.creator_keys)
    writer.save(tmp_path, "creators")
    creators = Postings.load(tmp_path, "creators")
    known = sorted({key for payload in rows for key in payload.creator_keys})
    for wanted in ([], ["nobody"], known[:1], known[1:3], [*known, "nobody"]):
        expected = [row for row, payload in enumerate(rows) if set(wanted) & set(payload.creator_keys)]
        assert creators.rows(wanted).tolist() == expected
        mask = np.zeros(num_rows, dtype=np.bool_)
        creators.mark(wanted, mask)
        assert np.flatnonzero(mask).tolist() == expected
