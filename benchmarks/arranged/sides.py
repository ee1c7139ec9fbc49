"""The kinds of request that are set beside one another, and the rules that each is asked under."""

from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.harness.asking import Ask, asks, similar_request
from indexing.rules.arrangement import Arrangement
from indexing.rules.declaration import RuleSet
from service.dependencies import Dependencies

NUM_QUERIES = 200
_NUM_SEEN = 500
_PLAIN = Arrangement(same_recording=True)
_ALL = Arrangement(max_per_creator=2, max_per_tag=10, diversity=0.3, freshness=0.1, popularity=0.1)


class Side(Struct, frozen=True):
    """One kind of request; `pages_before` of them are turned first, untimed."""

    name: str
    arrangement: Arrangement
    at_least: float | None
    num_seen: int = 0
    pages_before: int = 0
    explain: bool = False


SIDES = (
    Side("plain", _PLAIN, None),
    Side("packaged rules", Arrangement(), None),
    Side("all", _ALL, 0.5, num_seen=_NUM_SEEN),
    Side("page 2", _PLAIN, 1 / 1.2, pages_before=1),
    Side("page 5", _PLAIN, None, pages_before=4),
    Side("explained", _PLAIN, None, explain=True),
)


class _Arranged(RuleSet, frozen=True, kw_only=True):
    """The packaged rules, but for what they say of arrangement."""

    said: Arrangement

    def arrangement(self, _switches: Mapping[str, bool]) -> Arrangement:
        """What was said, whatever the switches."""
        return self.said


def ask_of(parts: Dependencies, side: Side) -> Ask:
    """The product under rules that say of arrangement what the side does."""
    return asks(parts, parts.live.under(_Arranged(said=side.arrangement), parts.live.rules.version))


async def bodies_of(parts: Dependencies, side: Side, ask: Ask) -> list[bytes]:
    """The JSON of the requests of one side, with the cursors of the pages that come before."""
    rng = np.random.default_rng(3)
    num_items = len(parts.live.release.columns)
    bodies = []
    for seed in rng.choice(num_items, NUM_QUERIES, replace=False).tolist():
        request = replace(similar_request(seed), explain=side.explain)
        if side.num_seen:
            # The nearest ones: what a listener has heard lies where they are asked for.
            vectors = parts.live.release.columns.vectors("text")
            near = np.argpartition(-(vectors @ vectors[seed]), 2 * side.num_seen)[: 2 * side.num_seen]
            heard = rng.choice(near, side.num_seen, replace=False)
            request = replace(request, exclude=tuple(f"item:{row}" for row in heard))
        for _ in range(side.pages_before):
            request = replace(request, cursor=(await ask(request)).next_cursor)
        bodies.append(msgspec.json.encode(request))
    return bodies
