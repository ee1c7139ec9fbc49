#!/usr/bin/env bash
# sqlite-vec 0.1.9: a condition beside the nearest-neighbour search is met either before the nearest k are chosen or
# after, and the way it is spelled decides which.
# A good guess: rows that pass are searched (as documented for metadata columns), and what cannot be is refused in
# words, as LIKE is ("illegal WHERE constraint").
# Seen: `lang != 'en'` finds the three nearest that are not English, `lang NOT IN ('en')` finds none of them; so does
# an OR, any arithmetic on the column, and a range or = on the key (IN on the key is met before). No error, no warning.
#   lang != 'en' 3, lang NOT IN ('en') 0, n >= 20 3, n + 0 >= 20 0, n >= 20 OR lang = 'it' 0,
#   id IN (20, 21, 22) 3, id >= 20 0, id = 20 0
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check sqlite-vec==0.1.9 apsw==3.54.1.0

"$room/bin/python" - <<'EOF'
import struct
import sys

import apsw
import sqlite_vec

db = apsw.Connection(":memory:")
db.enable_load_extension(True)
db.load_extension(sqlite_vec.loadable_path())
db.execute("CREATE VIRTUAL TABLE item USING vec0(id INTEGER PRIMARY KEY, v FLOAT[2], lang TEXT, n INTEGER)")
for i in range(30):  # the first twenty are English and nearer to the query
    db.execute("INSERT INTO item VALUES (?, ?, ?, ?)", (i, struct.pack("2f", 1, i), "en" if i < 20 else "it", i))

expected = {
    "lang != 'en'": 3,
    "lang NOT IN ('en')": 0,
    "n >= 20": 3,
    "n + 0 >= 20": 0,
    "(n >= 20 OR lang = 'it')": 0,
    "id IN (20, 21, 22)": 3,
    "id >= 20": 0,
    "id = 20": 0,
}
seen = {}
for condition in expected:
    found = db.execute(f"SELECT id FROM item WHERE v MATCH ? AND k = 3 AND {condition}", (struct.pack("2f", 1, 0),))
    seen[condition] = len(list(found))
print(seen)
if seen != expected:
    sys.exit("this has changed")
EOF
