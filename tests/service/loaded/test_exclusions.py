"""What is left out: each way of asking says the same, whatever was posted and heard."""

from collections.abc import Iterable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.loaded.exclusions import Exclusions

rows = st.integers(0, 40)


class _Names:
    """Row 7 is `i7`."""

    def find(self, item_id: str) -> int:
        return int(item_id[1:])

    def id_of(self, row: int) -> str:
        return f"i{row}"

    def ids_of_own(self, rows: Iterable[int]) -> Iterable[str]:
        return map(self.id_of, rows)


@given(posted=st.frozensets(rows), heard=st.frozensets(rows), named=st.frozensets(rows), asked=st.lists(rows))
def test_rows_asked_together_are_told_as_one_by_one(
    posted: frozenset[int], heard: frozenset[int], named: frozenset[int], asked: list[int]
) -> None:
    listens = np.array(sorted(heard), np.int32)
    ids = [f"i{row}" for row in named]
    without_ids = Exclusions(posted, heard=listens)
    with_ids = Exclusions(posted, heard=listens, ids=ids, names=_Names())
    ids_alone = Exclusions(posted, ids=ids, names=_Names())
    assert without_ids.others(asked) == [row not in posted | heard for row in asked]
    assert with_ids.others(asked) == [row not in posted | heard | named for row in asked]
    assert ids_alone.others(asked) == [row not in posted | named for row in asked]
    for excluded in (without_ids, with_ids, ids_alone):
        assert excluded.others(asked) == [row not in excluded for row in asked]
