"""Orders made at a build are those that sorting the payloads gives, whichever rows there are."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows.times import FIRST_S, LAST_S
from indexing.columns.field_columns import FieldColumnsWriter
from indexing.columns.presorted import UNDATED, PresortedLists, PresortedListsWriter
from indexing.payload.payload import Payload
from tests.indexing.drawn import payloads

(BLANK,) = payloads(1, 1)
rows = st.lists(
    st.tuples(
        st.sampled_from((0.0, 0.25, 0.5, 1.0)),
        # Whole seconds are as of old: a release of them has no file of fractions.
        st.none() | st.sampled_from((-5_000_000, 0, 7_000_000, 2**40 * 1_000_000, -4_999_999, 999_999, 7_000_001)),
    ),
    max_size=30,
)
LAST_US = LAST_S * 1_000_000 + 999_999


def orders_of(given: list[Payload], folder: Path) -> PresortedLists:
    writer = PresortedListsWriter()
    # In two batches, as a build does.
    writer.add(given[: len(given) // 3])
    writer.add(given[len(given) // 3 :])
    writer.save(folder)
    fields = FieldColumnsWriter()
    fields.add(given)
    fields.save(folder)
    return PresortedLists(folder)


def published(us: int | None) -> dict[str, int | None]:
    return {
        "published_at": None if us is None else us // 1_000_000,
        "published_fraction_us": None if us is None else us % 1_000_000 or None,
    }


@settings(max_examples=100, deadline=None)
@given(rows=rows)
def test_orders_are_what_sorting_gives(rows: list[tuple[float, int | None]]) -> None:
    given = [replace(BLANK, popularity=popularity, **published(at)) for popularity, at in rows]
    with TemporaryDirectory() as folder:
        orders = orders_of(given, Path(folder))
        popular = sorted(
            (row for row, (popularity, _) in enumerate(rows) if popularity), key=lambda r: (-rows[r][0], r)
        )
        assert orders.popularity.rows.tolist() == popular
        assert orders.popularity.values.take(np.arange(len(popular))).tolist() == [rows[row][0] for row in popular]
        times = [UNDATED if at is None else at for _, at in rows]
        fresh = sorted(range(len(rows)), key=lambda row: (-times[row], row))
        assert orders.freshness.rows.tolist() == fresh
        values = orders.freshness.values
        assert values.take(np.arange(len(fresh))).tolist() == [times[row] for row in fresh]
        assert [values[place] for place in range(len(fresh))] == [times[row] for row in fresh]
        assert (Path(folder) / "published_fraction_us.npy").exists() == any(at and at % 1_000_000 for _, at in rows)


def test_every_time_that_a_row_may_have_is_between_its_neighbours(tmp_path: Path) -> None:
    times = [None, FIRST_S * 1_000_000, FIRST_S * 1_000_000 + 1, -1, 0, 1, LAST_US - 1, LAST_US]
    orders = orders_of([replace(BLANK, **published(at)) for at in times], tmp_path)
    assert orders.freshness.rows.tolist() == list(range(len(times)))[::-1]
    values = orders.freshness.values
    assert [values[place] for place in range(len(times))] == [*times[:0:-1], UNDATED]
