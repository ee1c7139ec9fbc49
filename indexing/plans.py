"""How the engine is asked, by the part of the catalogue that passes the rules."""

from indexing.store import Plan

# Measured at 100,000 x 64-d under correlated conditions (docs/log.md): from .30 up the graph finds .999 and more with
# ef 128; at .17 it finds .986 with ef 128 and .992 with 512; below .10 a scan of the few points that pass is exact
# at the price of such a graph search.
_BANDS = ((0.10, Plan(exact=True)), (0.30, Plan(ef=512)))
_BROAD = Plan(ef=128)


def plan_for(share: float) -> Plan:
    """The plan for a filter that passes `share` (0 to 1) of the points."""
    return next((plan for below, plan in _BANDS if share < below), _BROAD)
