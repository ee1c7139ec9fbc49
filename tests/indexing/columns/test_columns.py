"""Columns give back, by mmap, exactly what was appended to them."""

from pathlib import Path

import numpy as np
import pytest

from embedding.rows.schema import Item, Window
from indexing.columns.columns import HASH_BYTES, Columns, ColumnsWriter, row_hashes
from indexing.payload.payload import Payload, payload_of
from indexing.words.sparse import SparseRows
from tests.indexing.stores.made_words import made_words, no_words


def item(number: int, **fields: object) -> Item:
    return Item(id=f"t{number}", kind="track", title=f"Title {number}", creator="Band", **fields)  # type: ignore[arg-type]


def payloads(count: int) -> list[Payload]:
    return [payload_of(item(number, tags=("a", "b"), extra={"n": number}), 7, 0.5) for number in range(count)]


def test_rows_come_back_over_several_batches(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    vectors = {"tower": rng.normal(size=(5, 4)).astype(np.float32), "text": rng.normal(size=(5, 3)).astype(np.float32)}
    given = payloads(5)
    hashes = [bytes([number]) * 2 * HASH_BYTES for number in range(5)]
    with ColumnsWriter(tmp_path / "columns", {"tower": 4, "text": 3}) as writer:
        for part in (slice(0, 3), slice(3, 5)):
            writer.append(
                given[part],
                hashes[part],
                {name: rows[part] for name, rows in vectors.items()},
                SparseRows.of(made_words(5)[part]),
            )
    columns = Columns(tmp_path / "columns")
    assert len(columns) == 5
    assert [columns.payload(row) for row in range(5)] == given
    assert columns.ids.find("t3") == 3
    assert columns.hashes()[4].tobytes() == hashes[4]
    for name, rows in vectors.items():
        np.testing.assert_array_equal(columns.vectors(name), rows)
    for row, expected in enumerate(made_words(5)):
        np.testing.assert_array_equal(columns.words.rows.row(row).indices, expected.indices)


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with ColumnsWriter(tmp_path / "columns", {"text": 3}) as writer:
        with pytest.raises(ValueError, match="2 payloads came with 1 vectors of text"):
            writer.append(payloads(2), [bytes(32)] * 2, {"text": np.zeros((1, 3), np.float32)}, no_words(2))
        with pytest.raises(ValueError, match="expected rows of shape"):
            writer.append(payloads(0), [], {"text": np.zeros((0, 4), np.float32)}, no_words(0))
        with pytest.raises(ValueError, match="0 payloads came with the words of 2 rows"):
            writer.append([], [], {"text": np.zeros((0, 3), np.float32)}, no_words(2))


def test_a_row_outside_is_an_error(tmp_path: Path) -> None:
    with ColumnsWriter(tmp_path / "columns", {"text": 3}) as writer:
        writer.append(payloads(1), [bytes(32)], {"text": np.zeros((1, 3), np.float32)}, no_words(1))
    columns = Columns(tmp_path / "columns")
    for row in (-1, 1):
        with pytest.raises(IndexError):
            columns.payload(row)


def test_input_hash_moves_with_inputs_only_and_row_hash_with_everything() -> None:
    fields = ("title", "tags")
    base = row_hashes(item(1, tags=("a",)), fields)
    window = row_hashes(item(1, tags=("a",), availability=(Window("SE"),)), fields)
    tags = row_hashes(item(1, tags=("a", "b")), fields)
    assert base == row_hashes(item(1, tags=("a",)), fields)
    assert base[:HASH_BYTES] == window[:HASH_BYTES]
    assert base[HASH_BYTES:] != window[HASH_BYTES:]
    assert base[:HASH_BYTES] != tags[:HASH_BYTES]


def test_row_hash_does_not_depend_on_the_order_of_extra() -> None:
    one, other = item(1, extra={"a": 1, "b": 2}), item(1, extra={"b": 2, "a": 1})
    assert row_hashes(one, ("title",)) == row_hashes(other, ("title",))
