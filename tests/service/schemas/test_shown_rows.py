"""A hit put together from its kept template is the hit that would have been encoded."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.schema import Item
from indexing.payload.payload import payload_of
from service.schemas.answers import Hit, hit_of
from service.schemas.shown_rows import template_of

TRICKS = st.sampled_from(("%", "%%", "%.6f", "%s", '"score":0.0,', '\\"score":0.0,', "é🎷", "\x00", "\u2028"))
texts = st.lists(TRICKS | st.text(max_size=4), min_size=1, max_size=4).map("".join)


@given(
    item=st.builds(
        Item,
        id=texts,
        kind=st.sampled_from(("track", "episode")),
        title=texts,
        creator=texts,
        creators=st.lists(texts, max_size=3).map(tuple),
        album=st.none() | texts,
        language=st.none() | st.just("pt-BR"),
        duration_s=st.none() | st.floats(0, 1e7),
        published_at=st.none() | st.integers(-62_135_596_800, 253_402_300_799),
        explicit=st.none() | st.booleans(),
    ),
    score=st.floats(-1, 1, width=32),
)
def test_a_template_gives_the_hit(item: Item, score: float) -> None:
    payload = payload_of(item, 0, 0.0)
    expected = msgspec.structs.replace(hit_of(payload, 0.0), score=pytest.approx(score, abs=5e-7))
    assert msgspec.json.decode(template_of(payload) % score, type=Hit) == expected
