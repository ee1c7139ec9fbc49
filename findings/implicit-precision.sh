#!/usr/bin/env bash
# implicit 0.7.3: what implicit.evaluation calls precision@k is neither precision nor a mean over listeners.
# A good guess, and the textbook: hits in the first k divided by k, for each listener, then their mean.
# Seen: all hits divided by the sum of min(k, held-out items) over all listeners. One listener with one held-out
# track, found among ten: 1.0 where .1 is meant. With another who has ten and none of them found: .09 where .05 is
# meant. It may rise with k, and can't be put beside a paper's precision.
#   precision@10: 1.0 for one listener, 1/11 for two
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check implicit==0.7.3 scipy==1.17.1 numpy==2.4.6

"$room/bin/python" - <<'EOF'
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.evaluation import precision_at_k
from scipy.sparse import csr_matrix

# Items 0 to 29, scored 30 down to 1 for everybody: each listener is shown items 1 to 10, for item 0 was heard.
train = np.zeros((2, 30), dtype=np.float32)
train[:, 0] = 1
test = np.zeros((2, 30), dtype=np.float32)
test[0, 5] = 1
test[1, 20:30] = 1
model = AlternatingLeastSquares(factors=1, iterations=1)
model.fit(csr_matrix(train), show_progress=False)
model.user_factors = np.ones((2, 1), dtype=np.float32)
model.item_factors = np.arange(30, 0, -1, dtype=np.float32).reshape(-1, 1)

seen = [
    precision_at_k(model, csr_matrix(train[:n]), csr_matrix(test[:n]), K=10, show_progress=False) for n in (1, 2)
]
print(seen)
if not np.allclose(seen, [1.0, 1 / 11]):
    sys.exit("this has changed")
EOF
