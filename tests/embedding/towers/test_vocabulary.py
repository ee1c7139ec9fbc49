"""What the vocabulary keeps, and that it encodes the same after a save as before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.data.train_config import ALL_FEATURES
from embedding.rows.schema import Item
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.vocabulary import Vocabulary

TRAINED = [
    Item(id="a", kind="track", title="A", creator="Björk", tags=("Pop", "rare"), language="en-GB", duration_s=100.0),
    Item(id="b", kind="track", title="B", creator="BJÖRK ", tags=("pop",), language="is", duration_s=200.0),
    Item(id="c", kind="episode", title="C", creator="Show", creators=("Show", "Guest"), published_at=1_600_000_000),
]
MINIMA = {"creators": 2, "tags": 2}


def no_text(items: list[Item]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.zeros((len(items), 0), np.float32)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.learn(TRAINED, ALL_FEATURES, MINIMA)


def test_a_bag_value_on_too_few_items_is_left_out_and_spellings_are_joined(vocabulary: Vocabulary) -> None:
    assert vocabulary.values["creators"] == ("björk",)
    assert vocabulary.values["tags"] == ("pop",)
    assert vocabulary.values["language"] == ("en", "is")
    assert vocabulary.values["kind"] == ("episode", "track")


def test_items_are_encoded_as_rows_of_the_tables(vocabulary: Vocabulary) -> None:
    encoded = vocabulary.encode(TRAINED, no_text(TRAINED))

    assert encoded.ids.tolist() == [1, 2, 3]
    assert encoded.bags["creators"].flat.tolist() == [1, 1]
    assert encoded.bags["creators"].offsets.tolist() == [0, 1, 2, 2]
    assert encoded.rows["language"].tolist() == [1, 2, 0]
    assert encoded.rows["kind"].tolist() == [2, 2, 1]
    assert encoded.rows["duration_s"][0] < encoded.rows["duration_s"][1]
    assert encoded.rows["duration_s"][2] == 0
    assert encoded.rows["published_at"].tolist()[:2] == [0, 0]


def test_what_is_trained_on_most_stands_first() -> None:
    items = [
        Item(id=str(place), kind="track", title="T", creator=f"Band {place % 3}", language=language)
        for place, language in enumerate(("en", "sv", "sv", "de", "en", "en"))
    ]

    vocabulary = Vocabulary.learn(
        items, ("id", "creators", "language"), {"creators": 2}, np.array([0, 5, 2, 9, 5, 1], np.int64)
    )

    assert [vocabulary.ids.id_at(row) for row in range(6)] == ["3", "1", "4", "2", "5", "0"]
    # Ten pairs, nine and three; of languages nine, seven and six.
    assert vocabulary.values == {"creators": ("band 1", "band 0", "band 2"), "language": ("de", "sv", "en")}
    assert vocabulary.encode(items, no_text(items)).ids.tolist() == [6, 2, 4, 1, 3, 5]


def test_what_training_never_saw_is_unknown_or_in_the_outermost_bucket(vocabulary: Vocabulary) -> None:
    fresh = [
        Item(id="new", kind="track", title="N", creator="Nobody", tags=("rare",), language="sv", duration_s=9e6),
        Item(id="older", kind="track", title="O", creator="Nobody", duration_s=0.0),
    ]

    encoded = vocabulary.encode(fresh, no_text(fresh))

    assert encoded.ids.tolist() == [0, 0]
    assert len(encoded.bags["creators"].flat) == len(encoded.bags["tags"].flat) == 0
    assert encoded.rows["language"].tolist() == [0, 0]
    assert encoded.rows["duration_s"].tolist() == [vocabulary.table_sizes()["duration_s"] - 1, 1]


def test_an_album_is_known_by_its_title_from_as_many_items_as_asked() -> None:
    items = [
        Item(id=str(place), kind="track", title="T", creator=f"Band {place}", album=album)
        for place, album in enumerate(("Hits", "hits ", "Alone", None))
    ]
    vocabulary = Vocabulary.learn(items, ("album",), {"album": 2})

    encoded = vocabulary.encode(items, no_text(items))

    assert vocabulary.values["album"] == ("hits",)
    assert encoded.bags["album"].flat.tolist() == [1, 1]
    assert encoded.bags["album"].offsets.tolist() == [0, 1, 2, 2, 2]
    assert vocabulary.input_fields == ("album",)


def test_features_that_are_not_used_are_not_looked_at() -> None:
    vocabulary = Vocabulary.learn(TRAINED, ("tags",), MINIMA)

    encoded = vocabulary.encode(TRAINED, no_text(TRAINED))

    assert encoded.ids.tolist() == [0, 0, 0]
    assert vocabulary.num_ids == 0
    assert (set(encoded.bags), set(encoded.rows)) == ({"tags"}, set())
    assert vocabulary.input_fields == ("tags",)


TEXT = st.text(min_size=1, max_size=6)
ITEMS = st.lists(
    st.builds(
        Item,
        id=TEXT,
        kind=st.sampled_from(["track", "episode"]),
        title=TEXT,
        creator=TEXT,
        tags=st.lists(TEXT, max_size=3).map(tuple),
        language=st.sampled_from([None, "en", "pt-BR"]),
        duration_s=st.none() | st.floats(0, 1e7),
        published_at=st.none() | st.integers(-(10**10), 10**10),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda item: item.id,
)


@settings(deadline=None, max_examples=40)
@given(trained=ITEMS, served=ITEMS)
def test_a_saved_vocabulary_encodes_as_before_and_every_row_is_in_its_table(
    tmp_path_factory: pytest.TempPathFactory, trained: list[Item], served: list[Item]
) -> None:
    folder = tmp_path_factory.mktemp("vocabulary")
    vocabulary = Vocabulary.learn(trained, ALL_FEATURES, {})
    vocabulary.save(folder)
    loaded = Vocabulary.load(folder)
    sizes = vocabulary.table_sizes()

    first, second = vocabulary.encode(served, no_text(served)), loaded.encode(served, no_text(served))

    assert loaded.table_sizes() == sizes
    assert first.ids.tolist() == second.ids.tolist()
    assert first.ids.max() <= vocabulary.num_ids
    for name, bag in first.bags.items():
        assert bag.flat.tolist() == second.bags[name].flat.tolist()
        assert bag.offsets.tolist() == second.bags[name].offsets.tolist()
        assert bag.flat.max(initial=0) < sizes[name]
    for name, rows in first.rows.items():
        assert rows.tolist() == second.rows[name].tolist()
        assert 0 <= rows.min() <= rows.max() < sizes[name]


def test_parts_join_to_what_encoding_all_at_once_gives(vocabulary: Vocabulary) -> None:
    whole = vocabulary.encode(TRAINED, no_text(TRAINED))

    joined = EncodedItems.join([vocabulary.encode([item], no_text([item])) for item in TRAINED])

    assert joined.ids.tolist() == whole.ids.tolist()
    assert joined.bags["tags"].offsets.tolist() == whole.bags["tags"].offsets.tolist()
    assert joined.rows["kind"].tolist() == whole.rows["kind"].tolist()
