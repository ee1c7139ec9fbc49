#!/usr/bin/env bash
# voyager 2.2.3: an id that it chooses itself may be one that is taken, and the vector there is then replaced.
# A good guess: a free id, or one above the largest so far, or an error.
# Seen: it counts the ids that it has given itself, from 0, and does not look whether the next is taken. A vector added
# under id 1, then two without an id: the second is given 1 as well, and the first is no longer there.
# Three calls that each succeed, two rows.
#   ids given [0, 1], rows 2, vector of id 1 is the last one added
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check voyager==2.2.3 numpy==2.4.6

"$room/bin/python" - <<'EOF'
import sys

import numpy as np
import voyager

first, second, third = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
index = voyager.Index(voyager.Space.Euclidean, num_dimensions=2)
index.add_item(first, id=1)
given = [index.add_item(second), index.add_item(third)]
print("given", given, "rows", len(index), "under id 1", index.get_vector(1).tolist())
if given != [0, 1] or len(index) != 2 or index.get_vector(1).tolist() != third.tolist():
    sys.exit("this has changed")
EOF
