"""Models written by earlier versions load, and give the vectors that they gave then."""

from pathlib import Path

import numpy as np
import pytest

from embedding.errors import DamagedError
from embedding.rows.schema import Item
from embedding.towers.model import Towers
from embedding.towers.model_folder import FORMAT, MANIFEST, read_manifest

MODELS = Path(__file__).parent / "models"
FORMAT_1, FORMAT_2 = MODELS / "format-1", MODELS / "format-2"
ITEMS = [
    Item(
        id=f"item-0-0{place}",
        kind="episode",
        title=f"Title 0 {place}",
        creator=f"Band 0.{place}",
        tags=("tag 0", "tag 1"),
        language="en-GB" if place else "sv",
        duration_s=60.0 + place,
        published_at=published_at,
    )
    for place, published_at in enumerate((1_262_304_000, 1_293_840_000))
]
# Two tags count by their mean in format 1, by their sum over the root of two since.
VECTORS_1 = [
    [0.73195171, 0.04503678, 0.38304454, -0.56168950],
    [0.90314370, 0.02695625, -0.33357352, -0.26894897],
]
VECTORS_2 = [
    [0.75807917, 0.10385318, 0.34807599, -0.54163980],
    [0.90649611, 0.09701023, -0.31583655, -0.26287082],
]
QUERY_1 = [-0.12932792, -0.19673295, 0.88449192, -0.40279576]
QUERY_2 = [-0.10829655, -0.22508052, 0.87618428, -0.41220349]


@pytest.mark.parametrize(
    ("folder", "begins", "expected", "asked"),
    [(FORMAT_1, "f1ea64cfedf163fd", VECTORS_1, QUERY_1), (FORMAT_2, "8dabcf7d6f1542a8", VECTORS_2, QUERY_2)],
)
def test_a_model_of_an_old_format_gives_the_same_vectors(
    folder: Path, begins: str, expected: list[list[float]], asked: list[float]
) -> None:
    towers = Towers.load(folder)

    vectors = towers.encode_items(ITEMS, np.zeros((2, 0), np.float32))
    query = towers.encode(vectors, np.array([1.0, -1.0], np.float32), 7_200.0)

    assert towers.model_hash.startswith(begins)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    np.testing.assert_allclose(query, asked, atol=1e-6)
    assert not towers.reads_queries


def test_every_format_so_far_has_a_model_here() -> None:
    assert [read_manifest(MODELS / f"format-{number}").format for number in range(1, FORMAT)] == [1, 2]


def test_keys_that_came_later_stand_as_trained_then() -> None:
    config = read_manifest(FORMAT_1).config

    assert "album" not in config.features
    assert config.train_history_length == 0
    assert config.nested_dims == read_manifest(FORMAT_2).config.nested_dims == ()


def test_a_key_added_by_hand_is_found(tmp_path: Path) -> None:
    text = (FORMAT_1 / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(text.replace('"epochs": 4,', '"epochs": 4,\n    "train_history_length": 0,'))

    with pytest.raises(DamagedError, match="was changed"):
        read_manifest(tmp_path)
