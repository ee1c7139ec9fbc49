"""How the engine is asked, by the part of the catalogue that passes the rules."""

from indexing.store import Plan

# Measured at 100,000 x 64-d under conditions that correlate with the vectors (docs/log.md), recall@10 at the worst:
# from .45 up .995 with ef 128; at .31 .957 with ef 128 and .995 with 512; at .17 .992 with 512. Below .10 a scan of
# the few points that pass is exact at the price of such a graph search.
_BANDS = ((0.10, Plan(exact=True)), (0.45, Plan(ef=512)))
_BROAD = Plan(ef=128)


def plan_for(share: float) -> Plan:
    """The plan for a filter that passes `share` (0 to 1) of the points."""
    return next((plan for below, plan in _BANDS if share < below), _BROAD)
