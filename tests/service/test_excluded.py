"""What is left out: each way of asking says the same, whatever was posted and heard."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.excluded import Excluded

rows = st.integers(0, 40)


@given(posted=st.frozensets(rows), heard=st.frozensets(rows), named=st.frozensets(rows), asked=st.lists(rows))
def test_rows_asked_together_are_told_as_one_by_one(
    posted: frozenset[int], heard: frozenset[int], named: frozenset[int], asked: list[int]
) -> None:
    listens = np.array(sorted(heard), np.int32)
    ids = [f"i{row}" for row in named]
    without_ids = Excluded(posted, heard=listens)
    with_ids = Excluded(posted, heard=listens, ids=ids, find=lambda text: int(text[1:]), id_of=lambda row: f"i{row}")
    assert without_ids.others(asked) == [row not in posted | heard for row in asked]
    assert with_ids.others(asked) == [row not in posted | heard | named for row in asked]
    for excluded in (without_ids, with_ids):
        assert excluded.others(asked) == [row not in excluded for row in asked]
