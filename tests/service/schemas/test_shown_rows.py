"""A hit put together from its kept template is the hit that would have been encoded."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.schema import Item
from embedding.rows.times import FIRST_S, LAST_S, rfc3339
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
        published_at=st.none() | st.integers(FIRST_S, LAST_S),
        explicit=st.none() | st.booleans(),
    ),
    score=st.floats(-1, 1, width=32),
)
def test_a_template_gives_the_hit(item: Item, score: float) -> None:
    payload = payload_of(item, 0, 0.0)
    expected = msgspec.structs.replace(hit_of(payload, 0.0), score=pytest.approx(score, abs=5e-7))
    assert msgspec.json.decode(template_of(hit_of(payload, 0.0)) % (score, b""), type=Hit) == expected


@given(second=st.integers(FIRST_S, LAST_S), digits=st.text("0123456789", max_size=12))
def test_a_time_is_shown_as_it_was_written_to_the_last_whole_microsecond(second: int, digits: str) -> None:
    whole = rfc3339(second).removesuffix("Z")
    written = f"{whole}.{digits}Z" if digits else f"{whole}Z"
    item = CATALOGUE_PARSER.from_fields(
        {"id": "a", "kind": "track", "title": "t", "creator": "c", "published_at": written}
    )
    shown = msgspec.json.decode(template_of(hit_of(payload_of(item, 0, 0.0), 0.0)) % (0.0, b""))["published_at"]
    kept = digits[:6].rstrip("0")
    assert shown == (f"{whole}.{kept}Z" if kept else f"{whole}Z")
