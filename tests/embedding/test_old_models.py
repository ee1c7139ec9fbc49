"""Models written by earlier versions load, and give the vectors that they gave then."""

from pathlib import Path

import numpy as np
import pytest

from embedding.errors import DamagedError
from embedding.model import Towers
from embedding.model_folder import MANIFEST, read_manifest
from embedding.rows import Item

FORMAT_1 = Path(__file__).parent / "models" / "format-1"
ITEMS = [
    Item(
        id=f"item-0-0{place}",
        kind="episode",
        title=f"Title 0 {place}",
        creator=f"Band 0.{place}",
        tags=("tag 0",),
        language="en-GB" if place else "sv",
        duration_s=60.0 + place,
        published_at=published_at,
    )
    for place, published_at in enumerate((1_262_304_000, 1_293_840_000))
]
VECTORS = [
    [0.83727288, 0.03833577, 0.45392099, -0.30242395],
    [0.99120468, 0.02193084, -0.12987614, -0.01282260],
]
QUERY = [-0.12648618, -0.23261987, 0.84378570, -0.46681368]


def test_a_model_of_format_1_gives_the_same_vectors() -> None:
    towers = Towers.load(FORMAT_1)

    vectors = towers.encode_items(ITEMS, np.zeros((2, 0), np.float32))
    query = towers.encode(vectors, np.array([1.0, -1.0], np.float32), 7_200.0)

    assert towers.model_hash.startswith("f1ea64cfedf163fd")
    np.testing.assert_allclose(vectors, VECTORS, atol=1e-6)
    np.testing.assert_allclose(query, QUERY, atol=1e-6)


def test_keys_that_came_later_stand_as_trained_then() -> None:
    config = read_manifest(FORMAT_1).config

    assert "album" not in config.features
    assert config.train_history_length == 0


def test_a_key_added_by_hand_is_found(tmp_path: Path) -> None:
    text = (FORMAT_1 / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(text.replace('"epochs": 4,', '"epochs": 4,\n    "train_history_length": 0,'))

    with pytest.raises(DamagedError, match="was changed"):
        read_manifest(tmp_path)
