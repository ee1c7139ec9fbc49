import random

from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.rows.seen_ids import SeenIds


@settings(deadline=None)
@given(st.lists(st.text(max_size=3), max_size=200))
def test_the_first_place_of_each_id_is_kept(ids: list[str]) -> None:
    seen, truth = SeenIds(), dict[str, int]()
    for place, item_id in enumerate(ids):
        assert seen.add(item_id, place) == truth.get(item_id)
        truth.setdefault(item_id, place)
    assert len(seen) == len(truth)


def test_it_grows_without_losing_any() -> None:
    draws = random.Random(3)
    seen, truth = SeenIds(), dict[str, int]()
    for place in range(60_000):
        item_id = str(draws.randrange(40_000))
        assert seen.add(item_id, place) == truth.get(item_id)
        truth.setdefault(item_id, place)
    assert len(seen) == len(truth)
    assert all(item_id in seen for item_id in truth)
    assert "never" not in seen
