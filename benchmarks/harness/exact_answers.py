"""The right answer, worked out from the rows alone: every vector, no engine, no plan, no cache."""

import asyncio
import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct

from embedding.rows.names import name_key
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.settings import IndexingSettings
from indexing.state.open import open_state

# Scores of equal items may differ in their last bits by the order in which products are summed.
_TOLERANCE = 1e-4


class Shown(Struct, frozen=True):
    """What a release shows now, under which rules (version and rules)."""

    rows: CurrentRows
    rules: tuple[str, RuleSet]


def shown(settings: IndexingSettings, release_id: str) -> Shown:
    """Read by this process anew from the state that the settings name."""

    async def read() -> Shown:
        state = open_state(settings)
        try:
            release = Release(settings.data_dir / "releases" / release_id)
            return Shown(await current_rows(release, state), await state.rules())
        finally:
            await state.close()

    return asyncio.run(read())


class Exact:
    """Exact answers of one release, as the rules in force let them be in one context."""

    def __init__(self, shown: Shown, context: RequestContext) -> None:
        rows, (version, ruleset) = shown.rows, shown.rules
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
            recording = (name_key(payload.title), frozenset(map(name_key, payload.creators)))
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
