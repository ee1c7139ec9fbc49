"""The right answer, worked out from the rows alone: every vector, no engine, no plan, no cache."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from embedding.rows.schema import name_key
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.state.file_rules import AcceptedRules
from indexing.state.files import FilesState

# Scores of equal items may differ in their last bits by the order in which products are summed.
_TOLERANCE = 1e-4


def shown_rows(data_dir: Path, release_id: str) -> CurrentRows:
    """What a release of an embedded store shows now, read by this process anew."""
    release = Release(data_dir / "releases" / release_id)
    return asyncio.run(current_rows(release, FilesState(data_dir)))


class Exact:
    """Exact answers of one release, as the rules in force let them be in one context."""

    def __init__(self, rows: CurrentRows, data_dir: Path, context: RequestContext) -> None:
        version, ruleset = AcceptedRules(data_dir / "rules").current()
        rules = HardRules(ruleset, version, rows.release.classes, lambda where: where, rows.release.share)
        accepts = rules.compile(context).accepts
        self._rows = rows
        self._allowed = [row for row in rows.rows() if not rows.dropped[row] and accepts(rows.payload(row))]
        self._vectors = rows.vectors(rows.release.space, self._allowed)

    def nearest(self, seed_id: str, limit: int) -> dict[str, float]:
        """Scores of the `limit` items nearest to a seed, best first; of tracks that are one recording the nearest."""
        rows = self._rows
        seed = rows.row_of(seed_id)
        scores = self._vectors @ rows.vectors(rows.release.space, [seed])[0]
        best: dict[str, float] = {}
        recordings = set()
        for place in np.argsort(-scores, kind="stable"):
            row = self._allowed[place]
            payload = rows.payload(row)
            recording = (name_key(payload.title), frozenset(payload.creator_keys))
            if row == seed or (payload.kind == "track" and recording in recordings):
                continue
            recordings.add(recording)
            best[payload.id] = float(scores[place])
            if len(best) == limit:
                break
        return best


def difference(hits: Sequence[dict[str, object]], right: dict[str, float]) -> str | None:
    """How an answer differs from the right one, None where only items of equal score changed places."""
    came = [float(str(hit["score"])) for hit in hits]
    if len(came) != len(right):
        return f"{len(came)} hits came, {len(right)} are right"
    for place, (score, wanted) in enumerate(zip(came, right.values(), strict=True), start=1):
        if abs(score - wanted) > _TOLERANCE:
            return f"hit {place} has score {score}, {wanted:.6f} is right"
    last = min(right.values())
    strange = [str(hit["id"]) for hit, score in zip(hits, came, strict=True) if score > last + _TOLERANCE]
    missing = [item_id for item_id in strange if item_id not in right]
    return f"{', '.join(missing)} should not be there" if missing else None


def digest(rows: CurrentRows) -> str:
    """A hash over all that is shown: each id with its payload, its vectors and whether it is hidden."""
    parts = sorted(
        (
            rows.id_of(row),
            msgspec.msgpack.encode(rows.payload(row)),
            b"".join(rows.vectors(space, [row])[0].tobytes() for space in sorted(rows.release.manifest.dims)),
            bool(rows.dropped[row]),
        )
        for row in rows.rows()
    )
    return hashlib.sha256(msgspec.msgpack.encode(parts)).hexdigest()
