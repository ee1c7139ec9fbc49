"""How the doctor's findings are shown: a table for a terminal, an object for scripts."""

from typing import Any

from rich.table import Table

from indexing.search.measured import BANDS, SLOW_MS, MeasuredPlans, ShapeReport
from indexing.search.plans.registry import plan_name

_RIGHT = ("recall", "p50 ms", "p99 ms", "short")


def as_object(plans: MeasuredPlans) -> dict[str, Any]:
    """What `--json` prints; `band` and the share's unit as in the table, `share` from 0 to 1."""
    return {
        "release": plans.release,
        "rules_version": plans.rules_version,
        "measured_at": plans.measured_at,
        "leaks": plans.leaks,
        "shapes": [
            {
                "using": report.shape.using,
                "fields": report.shape.fields,
                "band": report.shape.band,
                "share": round(report.share, 6),
                "plan": plan_name(report.chosen.plan),
                "recall@10": report.chosen.recall,
                "p50_ms": report.chosen.p50_ms,
                "p99_ms": report.chosen.p99_ms,
                "short_pages": report.chosen.short_pages,
                "queries": report.chosen.queries,
                "slow": is_slow(report),
            }
            for report in plans.shapes
        ],
    }


def as_table(plans: MeasuredPlans) -> Table:
    """One line a shape, with the fields that not every shape has conditions on; what holds the event loop is marked."""
    common = always(plans)
    # Narrow enough for 80 columns, in which the fields wrap and nothing else does.
    table = Table(box=None, pad_edge=False, caption=f"!  over {SLOW_MS:g} ms", caption_justify="left")
    for heading in ("by", "and on", "band", "plan", "recall", "p50 ms", "p99 ms", "short"):
        wraps = heading == "and on"
        table.add_column(
            heading,
            justify="right" if heading in _RIGHT else "left",
            no_wrap=not wraps,
            min_width=18 if wraps else None,
        )
    for report in plans.shapes:
        chosen = report.chosen
        table.add_row(
            report.shape.using,
            ", ".join(name for name in report.shape.fields if name not in common),
            band_name(report.shape.band),
            plan_name(chosen.plan) + (" !" if is_slow(report) else ""),
            f"{chosen.recall:.4f}",
            f"{chosen.p50_ms:.2f}",
            f"{chosen.p99_ms:.2f}",
            as_percent(chosen.short_pages / chosen.queries),
        )
    return table


def always(plans: MeasuredPlans) -> list[str]:
    """The fields that every shape has conditions on."""
    fields = [set(report.shape.fields) for report in plans.shapes]
    return sorted(set.intersection(*fields)) if fields else []


def band_name(band: float) -> str:
    """A band by both of its ends."""
    place = BANDS.index(band)
    return f"{BANDS[place - 1] if place else 0:g}-{band:g} %"


def is_slow(report: ShapeReport) -> bool:
    """Whether the chosen plan holds the event loop for longer than an answer should."""
    return report.chosen.p99_ms > SLOW_MS


def as_percent(share: float) -> str:
    """A share (0 to 1) with the two digits that count, and never an exponent, which 100 would have."""
    return f"{float(f'{100 * share:.2g}'):g} %"
