"""Vectors written with their ids: both formats hold the same, none is there by half."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from embedding.errors import UsageError
from embedding.protocols import Vectors
from embedding.rows.vector_files import VectorTable, write_vectors

IDS = ["a", 'b,"c"', "ç д", "d"]
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


def table(batches: list[slice]) -> VectorTable:
    num_rows = sum(len(IDS[part]) for part in batches)
    return VectorTable(num_rows, 3, ((IDS[part], VECTORS[part]) for part in batches), {"release": "r1"})


@pytest.mark.parametrize("batches", [[], [slice(0, 4)], [slice(0, 1), slice(1, 1), slice(1, 4)]])
def test_both_formats_hold_the_same(tmp_path: Path, batches: list[slice]) -> None:
    array, listed = write_vectors(tmp_path, "v", table(batches), "npy")
    (file,) = write_vectors(tmp_path, "v", table(batches), "parquet")
    ids, vectors = json.loads(listed.read_text(encoding="utf-8")), np.load(array, allow_pickle=False)
    read = pq.read_table(file)
    assert ids == read["id"].to_pylist() == (IDS if batches else [])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, VECTORS if batches else VECTORS[:0])
    assert [np.array(row, np.float32).tolist() for row in read["vector"].to_pylist()] == vectors.tolist()
    assert read.schema.metadata[b"nearfield.release"] == b"r1"


@pytest.mark.parametrize("to", ["npy", "parquet"])
def test_none_is_there_by_half(tmp_path: Path, to: str) -> None:
    def broken() -> Iterator[tuple[list[str], Vectors]]:
        yield IDS[:2], VECTORS[:2]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        write_vectors(tmp_path / "out", "v", VectorTable(4, 3, broken(), {}), to)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="expected a folder"):
        write_vectors(tmp_path / "file", "v", table([slice(0, 4)]), to)  # type: ignore[arg-type]
