#!/usr/bin/env bash
# USearch 2.26.6: an index of inner products (metric="ip") with dtype="i8" forgets how long its vectors are.
# A good guess: eight bits cost precision, or components outside -1..1 are clipped or refused (as voyager 2.2.3 does);
# the longer of two vectors of one direction stays the better match, which is what inner products are used for.
# Seen: each vector is first scaled to length 1 (times 127), queries too. A vector and its triple are stored as the same
# bytes and tie, a vector of larger product falls behind a short one of better angle, and distances are 1 minus a
# product of bytes. In f32 (and f16, bf16) the order is right.
#   f32 order [2, 1, 0], i8 order [0, 2, 1] or [0, 1, 2]; i8 stores rows 1 and 2 as [76, 101]; best distance -16128
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check usearch==2.26.6 numpy==2.4.6

"$room/bin/python" - <<'EOF'
import sys

import numpy as np
from usearch.index import Index

# Products with the query: 0.5, 0.6, 1.8.
vectors = np.array([[0.5, 0.0], [0.6, 0.8], [1.8, 2.4]], dtype=np.float32)
query = np.array([1.0, 0.0], dtype=np.float32)


def nearest(dtype: str) -> tuple[Index, list[int], list[float]]:
    index = Index(ndim=2, metric="ip", dtype=dtype)
    index.add(np.arange(3), vectors)
    found = index.search(query, 3)
    return index, found.keys.tolist(), found.distances.tolist()


_, exact, _ = nearest("f32")
index, found, distances = nearest("i8")
stored = [index.get(key).tolist() for key in range(3)]
print("f32", exact, "i8", found, distances, stored)
if exact != [2, 1, 0] or found[0] != 0 or distances[0] != -16128 or stored != [[127, 0], [76, 101], [76, 101]]:
    sys.exit("this has changed")
EOF
