"""Made-up catalogue files of every format with the same rows: written by plain libraries, not by the product."""

import csv
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

FORMATS = ("jsonl", "jsonl.zst", "csv", "parquet")
_WORDS = (
    *("paper", "anchors", "low", "tide", "signal", "night", "market", "drum"),
    *("field", "note", "river", "copper", "hall", "long", "wave"),
)
_FIRST = datetime(2005, 1, 1, tzinfo=UTC)
_BATCH = 10_000
_WINDOW = pa.struct([("market", pa.string()), ("from", pa.timestamp("us", "UTC")), ("until", pa.date32())])
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "kind", "title", "creator", "text", "language")),
        ("creators", pa.list_(pa.string())),
        ("tags", pa.list_(pa.string())),
        ("duration_s", pa.float64()),
        ("published_at", pa.timestamp("us", "UTC")),
        ("explicit", pa.bool_()),
        ("min_age", pa.int8()),
        ("availability", pa.list_(_WINDOW)),
        ("extra", pa.struct([("label", pa.string()), ("year", pa.int64())])),
    ]
)


def rows(num: int) -> Iterator[dict[str, Any]]:
    """Rows that use most fields, with a text of some 300 characters and two windows each."""
    dice = random.Random(7)

    def words(count: int) -> str:
        return " ".join(dice.choices(_WORDS, k=count))

    for number in range(num):
        published = _FIRST + timedelta(seconds=dice.randrange(600_000_000))
        until = (published + timedelta(days=5_000)).date()
        yield {
            "id": f"item-{number:08}",
            "kind": ("track", "episode")[number % 2],
            "title": words(4),
            "creator": words(2),
            "text": words(50),
            "language": ("sv", "en-GB", "de", "pt-BR")[number % 4],
            "creators": [words(2), words(2)],
            "tags": dice.sample(_WORDS, 3),
            "duration_s": dice.randrange(60, 6_000) / 2,
            "published_at": published,
            "explicit": number % 5 == 0,
            "min_age": 16 if number % 50 == 0 else None,
            "availability": [
                {"market": "SE", "from": published, "until": until},
                {"market": "GB", "from": published, "until": None},
            ],
            "extra": {"label": words(1), "year": published.year},
        }


def write_files(folder: Path, num: int) -> dict[str, Path]:
    """The path of each format's file in `folder`, which is written unless it is there."""
    paths = {name: folder / f"rows-{num}.{name}" for name in FORMATS}
    if not all(path.exists() for path in paths.values()):
        _write(paths, num)
    return paths


def _write(paths: dict[str, Path], num: int) -> None:
    with (
        paths["jsonl"].open("w", encoding="utf-8") as lines,
        pa.CompressedOutputStream(pa.OSFile(str(paths["jsonl.zst"]), "wb"), "zstd") as packed,
        paths["csv"].open("w", encoding="utf-8", newline="") as cells,
        pq.ParquetWriter(paths["parquet"], _SCHEMA) as table,
    ):
        writer = csv.DictWriter(cells, _SCHEMA.names)
        writer.writeheader()
        batch: list[dict[str, Any]] = []
        for row in rows(num):
            line = json.dumps(row, default=_as_text) + "\n"
            lines.write(line)
            packed.write(line.encode())
            writer.writerow({name: _cell(value) for name, value in row.items()})
            batch.append(row)
            if len(batch) == _BATCH:
                table.write_batch(pa.RecordBatch.from_pylist(batch, _SCHEMA))
                batch.clear()
        if batch:
            table.write_batch(pa.RecordBatch.from_pylist(batch, _SCHEMA))


def _as_text(value: Any) -> str:
    return str(value.isoformat())


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=_as_text)
    return value.isoformat() if isinstance(value, datetime) else value
