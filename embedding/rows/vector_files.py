"""Vectors written beside the ids of their rows: as a table (Parquet), or as an array with a list of ids."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, get_args

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from msgspec import Struct

from embedding.protocols import Vectors
from embedding.rows.row_files import RowFiles

VectorFormat = Literal["parquet", "npy"]
VECTOR_FORMATS: tuple[str, ...] = get_args(VectorFormat)
Batches = Iterable[tuple[list[str], Vectors]]


class VectorTable(Struct, frozen=True):
    """`num_rows` vectors of length `dims`, in `batches` of ids and float32 (n, dims); `about`: where they are from."""

    num_rows: int
    dims: int
    batches: Batches
    about: dict[str, str]


def write_vectors(folder: Path, name: str, table: VectorTable, to: VectorFormat) -> list[Path]:
    """Write a table into `folder` and give its files, which appear together, when all is written.

    `parquet`: NAME.parquet, columns `id` and `vector` (a list of `dims` float32). `npy`: NAME.npy (num_rows, dims) and
    NAME.ids.json, a JSON list of the ids in the order of its rows. UsageError where `folder` is a file.
    """
    with RowFiles(folder) as files:
        names = _WRITERS[to](files, name, table)
    return [folder / name for name in names]


def _write_parquet(files: RowFiles, name: str, table: VectorTable) -> list[str]:
    file = f"{name}.parquet"
    vector = pa.list_(pa.float32(), table.dims)
    schema = pa.schema(
        [pa.field("id", pa.string(), nullable=False), pa.field("vector", vector, nullable=False)],
        metadata={f"nearfield.{key}": value for key, value in table.about.items()},
    )
    with pq.ParquetWriter(files.file(file), schema) as writer:
        for ids, vectors in table.batches:
            flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
            arrays = [pa.array(ids, pa.string()), pa.FixedSizeListArray.from_arrays(flat, table.dims)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return [file]


def _write_npy(files: RowFiles, name: str, table: VectorTable) -> list[str]:
    array, listed = f"{name}.npy", f"{name}.ids.json"
    vectors_file, ids_file = files.file(array), files.file(listed)
    header = {"descr": "<f4", "fortran_order": False, "shape": (table.num_rows, table.dims)}
    np.lib.format.write_array_header_1_0(vectors_file, header)
    between = b"["
    for ids, vectors in table.batches:
        vectors_file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
        for text in ids:
            ids_file.write(between + msgspec.json.encode(text))
            between = b",\n"
    ids_file.write(b"]\n" if between != b"[" else b"[]\n")
    return [array, listed]


_WRITERS: dict[VectorFormat, Callable[[RowFiles, str, VectorTable], list[str]]] = {
    "parquet": _write_parquet,
    "npy": _write_npy,
}
