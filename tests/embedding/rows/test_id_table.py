"""Ids find their rows, both ways, in memory and from disk."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows import id_table
from embedding.rows.id_table import IdTable

IDS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), unique=True, max_size=60)


@given(IDS, st.text(st.characters(codec="utf-8"), max_size=10))
def test_every_id_finds_its_row_and_no_other_id_does(ids: list[str], other: str) -> None:
    table = IdTable.build(ids)
    assert [table.find(text) for text in ids] == list(range(len(ids)))
    assert [table.id_at(row) for row in range(len(table))] == ids
    assert (other in table) == (other in ids)


def test_saved_table_reads_the_same(tmp_path: Path) -> None:
    ids = [f"track:{number}" for number in range(1_000)] + ["日本", "a/b c?"]
    IdTable.build(ids).save(tmp_path, "items")
    table = IdTable.load(tmp_path, "items")
    assert len(table) == 1_002
    np.testing.assert_array_equal(table.find_many(["日本", "nothing", "track:7"]), [1_000, -1, 7])


def test_empty_table_is_saved_and_read(tmp_path: Path) -> None:
    IdTable.build([]).save(tmp_path, "items")
    assert len(IdTable.load(tmp_path, "items")) == 0
    assert IdTable.load(tmp_path, "items").find("x") == -1


def test_colliding_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_table, "id_hash", lambda text: len(text))
    table = IdTable.build(["aa", "bb", "c", "cc"])
    assert table.find_many(["aa", "bb", "cc", "c", "dd"]).tolist() == [0, 1, 3, 2, -1]


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' comes twice"):
        IdTable.build(["a", "b", "a"])


def test_a_row_beyond_the_table_is_an_error() -> None:
    table = IdTable.build(["a"])
    with pytest.raises(IndexError):
        table.id_at(1)
    with pytest.raises(IndexError):
        table.id_at(-1)
