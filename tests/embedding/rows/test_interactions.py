from pathlib import Path
from typing import Any

import pytest

from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Interaction
from tests.embedding.rows.row_cases import write_csv, write_jsonl, write_parquet

WRITERS = {
    "i.jsonl": write_jsonl,
    "i.jsonl.zst": write_jsonl,
    "i.csv.zst": write_csv,
    "i.csv": write_csv,
    "i.parquet": write_parquet,
}


def read(path: Path, *items: str) -> tuple[list[Interaction], Rejects]:
    with Rejects(path.with_name("rejects.out")) as rejects:
        is_item = items.__contains__ if items else None
        return [row for batch in read_interactions(path, rejects, is_item) for row in batch], rejects


@pytest.mark.parametrize("name", WRITERS)
def test_rows_are_read_from_every_format(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [
        {"user_id": "u", "item_id": "a", "at": "2024-05-31T00:00:01.5Z", "weight": -1},
        {"user_id": "u", "item_id": "b", "at": "2024-05-31", "weight": None},
        {"user_id": "v", "item_id": "a", "at": None, "weight": 2.5},
    ]
    got, rejects = read(WRITERS[name](tmp_path / name, rows))
    assert rejects.first == []
    assert got == [
        Interaction("u", "a", 1_717_113_601.5, -1.0),
        Interaction("u", "b", 1_717_113_600.0, 1.0),
        Interaction("v", "a", None, 2.5),
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_seconds_and_whole_number_ids_are_taken(tmp_path: Path, name: str) -> None:
    rows = [{"user_id": 7, "item_id": 51, "at": 1_717_113_600.25, "weight": 13_883}]
    got, _ = read(WRITERS[name](tmp_path / name, rows))
    assert got == [Interaction("7", "51", 1_717_113_600.25, 13_883.0)]


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"user_id": None}, "user_id", "characters"),
        ({"item_id": ""}, "item_id", "characters"),
        ({"item_id": "nobody-knows"}, "item_id", "in the catalogue"),
        ({"at": "31 May"}, "at", "since 1970"),
        ({"at": 1_717_113_600_000}, "at", "not milliseconds"),
        ({"weight": "much"}, "weight", "a number"),
        ({"weight": 2e6}, "weight", "1,000,000"),
        ({"rating": 5}, "rating", "user_id, item_id, at, weight"),
    ],
)
def test_a_bad_row_is_one_reject(tmp_path: Path, fields: dict[str, Any], field: str, expected: str) -> None:
    row = {"user_id": "u", "item_id": "a"}
    got, rejects = read(write_jsonl(tmp_path / "i.jsonl", [row, {**row, **fields}, row]), "a")
    assert len(got) == 2
    (reject,) = rejects.first
    assert (reject.line, reject.field) == (2, field)
    assert expected in reject.expected


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["at", "weight"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, name: str, number: float) -> None:
    row = {"user_id": "u", "item_id": "a", name: number}
    for path in (write_parquet(tmp_path / "i.parquet", [row]), write_csv(tmp_path / "i.csv", [row])):
        _, rejects = read(path)
        assert [reject.field for reject in rejects.first] == [name]
