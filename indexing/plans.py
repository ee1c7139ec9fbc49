"""How the engine is asked, by the part of the catalogue that passes the rules."""

from indexing.store import Plan

# Below this part of the catalogue the graph loses recall under combined conditions (docs/log.md), and a scan of
# the few points that pass is cheap.
EXACT_BELOW = 0.10
_EXACT = Plan(exact=True)
_GRAPH = Plan(ef=128)


def plan_for(share: float) -> Plan:
    """The plan for a filter that passes `share` (0 to 1) of the points."""
    return _EXACT if share < EXACT_BELOW else _GRAPH
