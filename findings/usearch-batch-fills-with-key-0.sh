#!/usr/bin/env bash
# USearch 2.26.6: a batch that asks for more neighbours than there are gets rows filled up with key 0, a key like any.
# A good guess: -1 or the largest integer, as faiss fills (-1), or an error, as hnswlib and voyager raise; and the same
# shape as for one query.
# Seen: one query gives the two that exist. Two queries give a matrix whose missing places hold key 0 and distance NaN,
# though no key 0 was ever added; only `counts` tells. So `keys` used as a matrix recommends item 0 to everybody.
#   one query [10, 11]; two queries [[10, 11, 0, 0], [11, 10, 0, 0]], counts [2, 2]
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check usearch==2.26.6 numpy==2.4.6

"$room/bin/python" - <<'EOF'
import sys

import numpy as np
from usearch.index import Index

vectors = np.eye(2, dtype=np.float32)
index = Index(ndim=2, metric="cos", dtype="f32")
index.add(np.array([10, 11]), vectors)
one = index.search(vectors[0], 4).keys.tolist()
two = index.search(vectors, 4)
print(one, two.keys.tolist(), two.distances.tolist(), two.counts.tolist())
if (
    one != [10, 11]
    or two.keys.tolist() != [[10, 11, 0, 0], [11, 10, 0, 0]]
    or two.counts.tolist() != [2, 2]
    or not np.isnan(two.distances[:, 2:]).all()
):
    sys.exit("this has changed")
EOF
