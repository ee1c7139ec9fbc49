import random

from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.rows.compact_id_map import CompactIdMap


@settings(deadline=None)
@given(st.lists(st.text(max_size=3), max_size=200))
def test_the_first_place_of_each_id_is_kept(drawn: list[str]) -> None:
    ids, truth = CompactIdMap(), dict[str, int]()
    for place, item_id in enumerate(drawn):
        assert ids.get(item_id) == truth.get(item_id)
        assert ids.add(item_id, place) == truth.get(item_id)
        truth.setdefault(item_id, place)
    assert len(ids) == len(truth)


def test_it_grows_without_losing_any() -> None:
    draws = random.Random(3)
    ids, truth = CompactIdMap(), dict[str, int]()
    for place in range(60_000):
        item_id = str(draws.randrange(40_000))
        assert ids.add(item_id, place) == truth.get(item_id)
        truth.setdefault(item_id, place)
    assert len(ids) == len(truth)
    assert all(item_id in ids for item_id in truth)
    assert "never" not in ids
