"""A model folder is written whole or not at all, and a changed byte in it is found."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from embedding.errors import DamagedError, MismatchError, NotFoundError, UsageError
from embedding.rows.schema import Item
from embedding.towers.model import Towers
from embedding.towers.model_folder import CARD, MANIFEST, WEIGHTS, check_out, read_manifest, verify_model, write_model
from tests.embedding.planted import NO_TEXT, item_id, train_planted


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model_folder")
    train_planted(folder, msgspec.structs.replace(NO_TEXT, epochs=1))
    return folder / "model"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    copy.mkdir()
    for path in trained.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def test_every_file_is_in_the_manifest_and_verifies(model: Path) -> None:
    manifest = verify_model(model)

    assert set(manifest.files) == {path.name for path in model.iterdir()} - {MANIFEST, CARD}
    assert WEIGHTS in manifest.files
    assert len(manifest.hash) == 64
    assert (manifest.dims, manifest.encoder_hash, manifest.text_dims) == (16, None, 0)


def test_one_changed_byte_in_any_file_is_found(model: Path) -> None:
    for path in sorted(model.iterdir()):
        if path.name == CARD:
            # Written for people; nothing is made of it.
            continue
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            changed = bytearray(content)
            changed[place] ^= 1
            path.write_bytes(changed)
            with pytest.raises((DamagedError, MismatchError)) as caught:
                Towers.load(model)
            assert str(model) in str(caught.value)
        path.write_bytes(content)
    Towers.load(model)


def test_a_missing_file_and_a_missing_model_are_named(model: Path, tmp_path: Path) -> None:
    (model / WEIGHTS).unlink()

    with pytest.raises(DamagedError, match=f"lacks {WEIGHTS}"):
        verify_model(model)
    with pytest.raises(NotFoundError, match=r"No model in .*nowhere.*nearfield train --out"):
        read_manifest(tmp_path / "nowhere")


def test_a_changed_manifest_is_told_from_a_later_format(model: Path) -> None:
    text = (model / MANIFEST).read_text()
    (model / MANIFEST).write_text(text.replace('"epochs": 1', '"epochs": 2'))
    with pytest.raises(DamagedError, match="was changed"):
        read_manifest(model)

    (model / MANIFEST).write_text('{"format": 99, "shape": "unheard of"}')
    with pytest.raises(MismatchError, match="has format 99; this version of Nearfield reads 1 to 3"):
        read_manifest(model)

    (model / MANIFEST).write_text("{")
    with pytest.raises(DamagedError, match="cannot be read"):
        read_manifest(model)


def test_what_fails_half_way_leaves_nothing_and_keeps_the_old_model(model: Path, tmp_path: Path) -> None:
    manifest = read_manifest(model)
    before = {path.name: path.read_bytes() for path in model.iterdir()}

    def fail(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(b"half")
        raise OSError("disk full")

    for out in (model, tmp_path / "new"):
        with pytest.raises(OSError, match="disk full"):
            write_model(out, manifest, fail)

    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_older_model_is_replaced_whole(model: Path, tmp_path: Path) -> None:
    manifest = read_manifest(model)
    (model / "left over").write_bytes(b"of an older format")

    def write(folder: Path) -> None:
        (folder / "only").write_bytes(b"x")

    written = write_model(model, manifest, write)

    assert {path.name for path in model.iterdir()} == {"only", MANIFEST}
    assert verify_model(model) == written
    assert written.hash != manifest.hash
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mp3").write_bytes(b"dear to somebody")
    (tmp_path / "file").write_bytes(b"too")
    (tmp_path / "empty").mkdir()

    for name in ("music", "file"):
        with pytest.raises(UsageError, match="is not a model"):
            check_out(tmp_path / name)
    check_out(tmp_path / "empty")
    check_out(tmp_path / "new")


def test_loaded_towers_say_what_they_read_and_give_unit_vectors(model: Path) -> None:
    towers = Towers.load(model)
    items = [
        Item(id=item_id(0, 0), kind="episode", title="known", creator="Band 0.0"),
        Item(id="new", kind="track", title="unknown", creator="nobody"),
    ]

    vectors = towers.encode_items(items, np.zeros((2, 0), np.float32))
    query = towers.encode(vectors, np.ones(2, np.float32), None)

    assert towers.input_fields == (
        "id",
        "creator",
        "creators",
        "tags",
        "language",
        "kind",
        "duration_s",
        "published_at",
    )
    assert (vectors.shape, query.shape) == ((2, 16), (16,))
    assert vectors.dtype == query.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm([*vectors, query], axis=1), 1, atol=1e-6)
    assert (towers.encode_items(items, np.zeros((2, 384), np.float32)) == vectors).all()
