#!/usr/bin/env bash
# fastparquet 2026.9.0 on a file of pyarrow 26.0.1: a column of lists of records is there, and every value of it None.
# A good guess: an error, or the column left out, since the library says that nested types are not its strength;
# a record alone is flattened (`st.a`) and a list of words is read right, so a list of records seems to be read too.
# Seen: availability windows of three tracks, one with two windows, one with an empty list, one with none: all None,
# without an error or a warning. What is shown nowhere and what is shown everywhere can't be told apart any more.
#   windows [None, None, None], tags [['x'], [], None]
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1

"$room/bin/python" - <<'EOF'
import sys
import tempfile
import warnings
from pathlib import Path

import fastparquet
import pyarrow as pa
import pyarrow.parquet as pq

rows = pa.table(
    {
        "windows": [[{"market": "SE", "from": None}, {"market": "GB", "from": "2024-06-01"}], [], None],
        "tags": [["x"], [], None],
    }
)
with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always", UserWarning)
    file = Path(folder, "rows.parquet")
    pq.write_table(rows, file)
    assert pq.read_table(file).equals(rows)
    seen = fastparquet.ParquetFile(str(file)).to_pandas().to_dict("list")
print(seen)
if seen != {"windows": [None, None, None], "tags": [["x"], [], None]}:
    sys.exit("this has changed")
if any(issubclass(each.category, UserWarning) for each in warned):
    sys.exit("it warns now")
EOF
