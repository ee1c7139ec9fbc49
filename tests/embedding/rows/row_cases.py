"""Rows that tests write: a good one, how to write rows in each format, and how to read them back."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item

Fields = Mapping[str, Any]
GOOD: Fields = {"id": "a", "kind": "track", "title": "A title", "creator": "A band"}


def good(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def jsonl(rows: Iterable[Fields]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


def packed(name: str, content: bytes) -> bytes:
    """`content` as a file of that name holds it."""
    if name.endswith(".gz"):
        return gzip.compress(content)
    return zstd(content) if name.endswith(".zst") else content


def write_jsonl(path: Path, rows: Iterable[Fields]) -> Path:
    path.write_bytes(packed(path.name, jsonl(rows)))
    return path


def write_csv(path: Path, rows: Sequence[Fields]) -> Path:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    path.write_bytes(packed(path.name, text.getvalue().encode()))
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def write_parquet(path: Path, rows: Sequence[Fields]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def read_items(path: Path, rejects: Rejects | None = None) -> tuple[list[Item], Rejects]:
    kept = Rejects(path.with_name("rejects.out")) if rejects is None else rejects
    with kept:
        return [item for batch in read_catalogue(path, kept) for item in batch], kept
