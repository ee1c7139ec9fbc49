"""The share that passes a rule, counted over combinations, is the share counted item by item."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from embedding.rows import Item
from indexing.facts import Facts
from indexing.payload import Payload, payload_of

ITEMS = st.builds(
    Item,
    id=st.just("x"),
    kind=st.sampled_from(["track", "episode"]),
    title=st.just("t"),
    creator=st.just("c"),
    language=st.sampled_from([None, "en", "sv-SE"]),
    explicit=st.sampled_from([None, True, False]),
    min_age=st.sampled_from([0, 18]),
)


@given(st.lists(st.tuples(ITEMS, st.integers(0, 2)), min_size=1, max_size=40))
def test_share_is_counted_right(rows: list[tuple[Item, int]]) -> None:
    payloads = [payload_of(item, availability_class, 0.0) for item, availability_class in rows]

    def accepts(payload: Payload) -> bool:
        return (payload.explicit != 1 and "en" in payload.languages) or payload.availability_class == 2

    facts = Facts()
    facts.add(payloads)
    assert facts.share(accepts) == sum(map(accepts, payloads)) / len(payloads)


def test_saved_counts_read_the_same_and_do_not_depend_on_order(tmp_path: Path) -> None:
    items = [Item(id="x", kind="track", title="t", creator="c", min_age=age) for age in (0, 0, 18)]
    payloads = [payload_of(item, 1, 0.0) for item in items]
    one, other = Facts(), Facts()
    one.add(payloads)
    other.add(payloads[::-1])
    one.save(tmp_path / "one")
    other.save(tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert Facts.load(tmp_path / "one").share(lambda payload: payload.min_age == 0) == 2 / 3


def test_nothing_passes_in_an_empty_release() -> None:
    assert Facts().share(lambda _: True) == 0.0
