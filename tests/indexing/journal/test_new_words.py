"""Words of the journal's rows: those of the row as it is now, whoever worked them out."""

import msgspec
import numpy as np

from indexing.releases.workspace import Workspace
from indexing.words.bm25 import words_of
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source


def test_a_row_that_was_put_has_the_words_that_it_has_now(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        base = await build(workspace, source)
        changed = item(1, title="Whales singing", text="far below")
        await put(workspace, changed, msgspec.structs.replace(item(2), id="new", title="Nothing"))
        live = await rows_of(workspace, base)
        # As journals are that were written where words were made another way.
        (record,) = workspace.record_encoder.puts([item(3, title="Late")], live, source.texts)
        await workspace.state.append([msgspec.structs.replace(record, words={"another": b""})])
        rows = await rows_of(workspace, base)
        numbers = [rows.row_of("item-3"), 5, rows.row_of("item-1"), rows.row_of("new")]
        assert all(number >= rows.num_own for number in (numbers[0], *numbers[2:]))
        expected = (item(3, title="Late"), item(5), changed, msgspec.structs.replace(item(2), title="Nothing"))
        for place_of, one in enumerate(expected):
            got = rows.words(numbers).row(place_of)
            np.testing.assert_array_equal(got.indices, words_of(one).indices)
            np.testing.assert_array_equal(got.values, words_of(one).values)
        query = rows.release.asked("whales")
        assert np.flatnonzero(rows.new.words().scores(query)).tolist() == [0]

    within(stores, source, work)
