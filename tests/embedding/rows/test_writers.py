"""One table, written by pandas, polars, DuckDB and (once, as a fixture) Spark: the same rows from each.

Between them they use every type of Parquet that docs/rows.md names.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item, Window
from tests.embedding.rows.row_cases import read_items

SPARK = Path(__file__).parent / "spark"
HASH = 16_192_285_499_011_746_455
DAY = 1_717_113_600  # 2024-05-31
ROWS = [
    Item(
        id=str(HASH),
        kind="episode",
        title="A title",
        creator="A show",
        creators=("A show", "A guest"),
        text="Café\nat sea",
        album="An album",
        tags=("jazz", "late"),
        language="en-GB",
        duration_s=61.5,
        published_at=DAY + 6 * 3600 + 1800,
        explicit=False,
        min_age=16,
        # Opens a quarter of a second after midnight; the other opens on the last day of all.
        availability=(Window("SE", DAY + 1, DAY + 86_400), Window("GB", 253_402_214_400)),
        popularity=0.5,
        extra={
            "label": "X",
            "year": 2024,
            "share": 0.5,
            "live": True,
            "upc": 9_007_199_254_740_993,
            "price": 19.99,
            "released": "2024-05-31",
        },
    ),
    Item(id="17", kind="track", title="B", creator="B"),
]
WITH_MAPS = [
    Item(id="a", kind="track", title="A title", creator="A band", extra={"year": 1999, "take": 2}),
    Item(id="b", kind="track", title="A title", creator="A band"),
    Item(id="c", kind="track", title="A title", creator="A band"),
]

EXTRA = {
    "label": "X",
    "year": 2024,
    "share": 0.5,
    "live": True,
    "upc": Decimal(9_007_199_254_740_993),
    "price": Decimal("19.99"),
    "released": date(2024, 5, 31),
}
COLUMNS: dict[str, list[Any]] = {
    "id": [HASH, 17],
    "kind": ["episode", "track"],
    "title": ["A title", "B"],
    "creator": ["A show", "B"],
    "creators": [["A show", "A guest"], None],
    "text": ["Café\nat sea".encode(), None],
    "album": ["An album", None],
    "tags": [["jazz", "late"], []],
    "language": ["en-GB", None],
    "duration_s": [Decimal("61.500"), None],
    "published_at": [datetime(2024, 5, 31, 6, 30, tzinfo=UTC), None],
    "explicit": [False, None],
    "min_age": [16, None],
    "availability": [
        [
            {"market": "SE", "from": datetime(2024, 5, 31, 0, 0, 0, 250_000), "until": date(2024, 6, 1)},
            {"market": "GB", "from": datetime(9999, 12, 31), "until": None},
        ],
        None,
    ],
    "popularity": [0.5, None],
    "extra": [EXTRA, None],
}


def by_pandas(path: Path) -> None:
    frame = pd.DataFrame({**COLUMNS, "min_age": [16.0, None]})
    frame = frame.astype({"id": "uint64", "kind": "category", "published_at": "datetime64[ns, UTC]"})
    frame.to_parquet(path)


def by_polars(path: Path) -> None:
    schema = {"id": pl.UInt64, "kind": pl.Categorical, "min_age": pl.Int8, "popularity": pl.Float32}
    pl.DataFrame(COLUMNS, schema_overrides=schema).write_parquet(path)


def by_duckdb(path: Path) -> None:
    duckdb.connect().execute(f"""
        COPY (
            SELECT {HASH}::UBIGINT AS id, 'episode'::ENUM ('track', 'episode') AS kind, 'A title' AS title,
                'A show' AS creator, ['A show', 'A guest'] AS creators, encode('Café\nat sea') AS text,
                'An album' AS album, ['jazz', 'late'] AS tags, 'en-GB' AS language, 61.5::DECIMAL(12, 3) AS duration_s,
                TIMESTAMPTZ '2024-05-31 08:30:00+02' AS published_at, false AS explicit, 16::TINYINT AS min_age,
                [
                    {{'market': 'SE', 'from': TIMESTAMP '2024-05-31 00:00:00.25', 'until': DATE '2024-06-01'}},
                    {{'market': 'GB', 'from': TIMESTAMP '9999-12-31', 'until': NULL}}
                ] AS availability,
                0.5::FLOAT AS popularity,
                {{
                    'label': 'X', 'year': 2024, 'share': 0.5::DOUBLE, 'live': true,
                    'upc': 9007199254740993::DECIMAL(38, 0), 'price': 19.99::DECIMAL(9, 2),
                    'released': DATE '2024-05-31'
                }} AS extra
            UNION ALL BY NAME SELECT 17::UBIGINT AS id, 'track' AS kind, 'B' AS title, 'B' AS creator, [] AS tags
        ) TO '{path}' (FORMAT parquet)
    """)


@pytest.mark.parametrize("write", [by_pandas, by_polars, by_duckdb])
def test_the_same_rows_from_every_writer(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "c.parquet")
    items, rejects = read_items(tmp_path / "c.parquet")
    assert rejects.first == []
    assert items == ROWS


def test_the_same_rows_from_spark(tmp_path: Path) -> None:
    (file,) = (SPARK / "catalogue").glob("*.parquet")
    leaves = pq.ParquetFile(file).schema
    assert [leaf.physical_type for leaf in leaves if leaf.path == "published_at"] == ["INT96"]
    items, rejects = read_items(SPARK / "catalogue", Rejects(tmp_path / "rejects.out"))
    assert rejects.first == []
    assert items == ROWS


def map_of_duckdb(path: Path) -> None:
    duckdb.connect().execute(f"""
        COPY (
            SELECT unnest(['a', 'b', 'c']) AS id, 'track' AS kind, 'A title' AS title, 'A band' AS creator,
                unnest([MAP {{'year': 1999, 'take': 2}}, MAP {{}}, NULL]) AS extra
        ) TO '{path}' (FORMAT parquet)
    """)


def test_a_map_is_an_object_and_an_empty_one_is_none(tmp_path: Path) -> None:
    map_of_duckdb(tmp_path / "c.parquet")
    for path in (tmp_path / "c.parquet", SPARK / "maps"):
        items, rejects = read_items(path, Rejects(tmp_path / "rejects.out"))
        assert rejects.first == []
        assert items == WITH_MAPS


def test_json_of_duckdb_is_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    duckdb.connect().execute(f"""
        COPY (
            SELECT uuid '6ba7b810-9dad-11d1-80b4-00c04fd430c8' AS id, 'track' AS kind, 'A title' AS title,
                'A band' AS creator, '["jazz"]'::JSON AS tags, '{{"year": 1999, "isrc": "SEA"}}'::JSON AS extra
        ) TO '{path}' (FORMAT parquet)
    """)
    items, rejects = read_items(path)
    assert rejects.first == []
    assert (items[0].id, items[0].tags) == ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", ("jazz",))
    assert items[0].extra == {"year": 1999, "isrc": "SEA"}
