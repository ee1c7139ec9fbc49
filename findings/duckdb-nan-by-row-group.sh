#!/usr/bin/env bash
# DuckDB 2.0.1 on Parquet files of pyarrow 26.0.1 (those of polars 2.1.0 do the same): which rows pass `p > 0.5`
# depends on how many rows the writer put in a row group.
# A good guess: the same rows in the same order give the same answer. DuckDB takes NaN for the greatest number, so a
# NaN passes, in a table and in a file alike.
# Seen: a file of one row group gives .9 and NaN; in groups of two NaN is gone. Writers leave NaN out of a group's
# largest value, as Parquet asks; the group [.1, NaN] claims at most .1 and is never read. `NOT p <= 0.5` the same.
# Where DuckDB is the writer such groups get no largest value, so that its own files answer right.
#   table ['a', 'd'], one group ['a', 'd'], groups of two ['a']; pyarrow's own filter: ['a'] for both
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1

"$room/bin/python" - <<'EOF'
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

rows = pa.table({"id": ["a", "b", "c", "d"], "p": [0.9, 0.2, 0.1, float("nan")]})


def passing(source: str) -> list[str]:
    return [row[0] for row in duckdb.sql(f"SELECT id FROM {source} WHERE p > 0.5 ORDER BY id").fetchall()]


seen = {"table": passing("rows")}
with tempfile.TemporaryDirectory() as folder:
    for size in (4, 2):
        file = Path(folder, f"{size}.parquet")
        pq.write_table(rows, file, row_group_size=size)
        seen[f"groups of {size}"] = passing(f"'{file}'")
        seen[f"pyarrow, groups of {size}"] = pq.read_table(file, filters=pc.field("p") > 0.5)["id"].to_pylist()
print(seen)
expected = {
    "table": ["a", "d"],
    "groups of 4": ["a", "d"],
    "pyarrow, groups of 4": ["a"],
    "groups of 2": ["a"],
    "pyarrow, groups of 2": ["a"],
}
if seen != expected:
    sys.exit("this has changed")
EOF
