"""Whatever stands in a table, a row of it is an item or a reject, in good time."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.column_map import deals
from embedding.rows.column_map.declaration import parse_map
from embedding.rows.column_map.mapped_parser import MappedParser
from embedding.rows.markets import is_market
from embedding.rows.row_parser import RowProblem
from tests.embedding.rows.column_map.tables import csv_file, head, read_mapped

MAP = """
tags = { column = "Tags", separator = "," }
duration_s = { column = "Length", unit = "m:s" }
published_at = { column = "Date", date = "%d/%m/%Y" }
explicit = { column = "Explicit", values = { yes = true, no = false }, empty = ["n/a"] }

[catalogue.extra]
bpm = { column = "Bpm", type = "number" }
code = { column = "Length", type = "text" }

[[catalogue.deals]]
territories = "Territories"
except = "Except"
from = "Start"
until = "End"
date = "%d/%m/%Y"
"""
COLUMNS = (
    *("Code", "Title", "Artist", "Tags", "Length", "Date", "Explicit", "Bpm"),
    *("Territories", "Except", "Start", "End"),
)
LIKELY = st.sampled_from(
    ["3:34", "yes", "n/a", "SE;GB", "Worldwide", "Worldwide except US", "03/11/2023", "31/12/9999", "01/01/0001", "120"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | LIKELY | st.datetimes() | st.dates()
CELLS = SCALARS | st.times() | st.timedeltas() | st.lists(SCALARS) | st.dictionaries(st.text(), SCALARS)


def parser() -> MappedParser[Any, Any]:
    table = parse_map(head() + MAP, "m").catalogue
    assert table is not None
    return MappedParser(CATALOGUE_PARSER, table, "m")


PARSER = parser()


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from(COLUMNS), CELLS))
def test_any_cells_make_an_item_or_faults(cells: dict[str, Any]) -> None:
    # Anything else that is raised fails it.
    with suppress(RowProblem):
        assert PARSER.from_fields(cells).availability


@given(st.dictionaries(st.sampled_from(COLUMNS) | st.text(), st.integers() | st.text() | st.lists(st.text())))
def test_any_json_makes_an_item_or_faults(fields: dict[str, Any]) -> None:
    with suppress(RowProblem):
        assert PARSER.from_json(json.dumps(fields).encode()).availability


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=5))
def test_no_line_is_lost(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "t.csv"
    good = b"c-%d,T,A\n"
    path.write_bytes(b"Code,Title,Artist\n" + b"".join(good % n + line + b"\n" for n, line in enumerate(lines)))
    items, rejects = read_mapped(path, head())
    told = {item.id for item in items}
    in_rows = [line for line in lines if line.strip(b"\r,") and b'"' not in line]
    if all(b'"' not in line and b"\r" not in line for line in lines):
        assert told >= {f"c-{n}" for n in range(len(lines))}
        assert len({reject.line for reject in rejects}) + len(items) >= len(lines) + len(in_rows)


# A search that goes back over what it has read would take hours.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("Territories", "world" + " " * 1_000_000 + "x"),
        ("Territories", "world" + " (" * 500_000),
        ("Territories", "Worldwide except " + "US " * 300_000),
        ("Length", "1" * 1_000_000 + ":"),
        ("Date", "0" * 1_000_000),
    ],
)
def test_a_long_cell_takes_no_long_time(column: str, cell: str) -> None:
    with suppress(RowProblem):
        PARSER.from_fields({"Code": "c", "Title": "T", "Artist": "A", "Territories": "?", column: cell})


@pytest.mark.parametrize("column", ["Territories", "Except"])
def test_a_code_that_is_repeated_is_looked_at_once(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def look(code: str) -> bool:
        looked_at.append(code)
        return is_market(code)

    monkeypatch.setattr(deals, "is_market", look)
    cells = {"Code": "c", "Title": "T", "Artist": "A", "Territories": "Worldwide"}
    once, often = (
        PARSER.from_fields(cells | {column: f"Worldwide except {codes}" if column == "Territories" else codes})
        for codes in ("US", ";".join(["US"] * 1_000))
    )
    assert often.availability == once.availability
    assert looked_at == ["US", "US"]


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e999", "1" + "0" * 5000])
def test_a_number_beyond_all_is_a_reject(tmp_path: Path, number: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"Code": 1, "Title": "T", "Artist": {number}, "L": {number}}}\n')
    items, rejects = read_mapped(path, head() + 'duration_s = { column = "L", unit = "ms" }\n')
    assert items == []
    assert {reject.line for reject in rejects} == {1}


def test_a_csv_row_of_empty_cells_is_passed_over(tmp_path: Path) -> None:
    items, rejects = read_mapped(csv_file(tmp_path, "Code,Title,Artist", ",,", "c-1,T,A", ",,"), head())
    assert ([item.id for item in items], rejects) == (["c-1"], [])
