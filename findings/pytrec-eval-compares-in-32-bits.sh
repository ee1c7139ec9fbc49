#!/usr/bin/env bash
# pytrec_eval-terrier 0.5.11 (trec_eval for Python; ir-measures rests on it): scores are Python floats, and are compared
# in 32 bits; what is equal then is ranked by document id, the alphabet's last first.
# A good guess: documents are ranked by their scores, which differ. (That true ties go by id is in trec_eval's manual.)
# Seen: 0.900000001 ranks behind 0.9, and a score in seconds since 1970 behind one of a second earlier, where the ids
# fall that way: the same run with the documents' names exchanged is perfect. Fused ranks come that near.
#   reciprocal rank .5 and .5 where the relevant one is "a", 1 and 1 where it is "z"
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check pytrec_eval-terrier==0.5.11

"$room/bin/python" - <<'EOF'
import sys

import pytrec_eval


def reciprocal_rank(relevant: str, other: str, higher: float, lower: float) -> float:
    evaluator = pytrec_eval.RelevanceEvaluator({"q": {relevant: 1}}, {"recip_rank"})
    return evaluator.evaluate({"q": {relevant: higher, other: lower}})["q"]["recip_rank"]


seen = {
    names: [reciprocal_rank(*names, 0.900000001, 0.9), reciprocal_rank(*names, 1_700_000_001.0, 1_700_000_000.0)]
    for names in (("a", "z"), ("z", "a"))
}
print(seen)
if seen != {("a", "z"): [0.5, 0.5], ("z", "a"): [1.0, 1.0]}:
    sys.exit("this has changed")
EOF
