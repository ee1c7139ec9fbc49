"""Orders made at a build are those that sorting the payloads gives, whichever rows there are."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from indexing.columns.presorted import UNDATED, PresortedLists, PresortedListsWriter
from indexing.payload.payload import Payload
from tests.indexing.drawn import payloads

(BLANK,) = payloads(1, 1)
rows = st.lists(
    st.tuples(st.sampled_from((0.0, 0.25, 0.5, 1.0)), st.none() | st.sampled_from((-5, 0, 7, 2**40))), max_size=30
)


def orders_of(given: list[Payload], folder: Path) -> PresortedLists:
    writer = PresortedListsWriter()
    # In two batches, as a build does.
    writer.add(given[: len(given) // 3])
    writer.add(given[len(given) // 3 :])
    writer.save(folder)
    return PresortedLists(folder)


@settings(max_examples=100, deadline=None)
@given(rows=rows)
def test_orders_are_what_sorting_gives(rows: list[tuple[float, int | None]]) -> None:
    given = [replace(BLANK, popularity=popularity, published_at=at) for popularity, at in rows]
    with TemporaryDirectory() as folder:
        orders = orders_of(given, Path(folder))
        popular = sorted(
            (row for row, (popularity, _) in enumerate(rows) if popularity), key=lambda r: (-rows[r][0], r)
        )
        assert orders.popularity.rows.tolist() == popular
        assert orders.popularity.values.tolist() == [rows[row][0] for row in popular]
        times = [UNDATED if at is None else at for _, at in rows]
        fresh = sorted(range(len(rows)), key=lambda row: (-times[row], row))
        assert orders.freshness.rows.tolist() == fresh
        assert orders.freshness.values.tolist() == [times[row] for row in fresh]
