"""The report of a hunt: a table and the first wrong pairs for a person, one object for a script."""

from typing import Any

import msgspec
from rich.table import Table

from service.hunt.hunting import Hunt

_COLUMNS = ("questions", "refused", "judged", "leaks", "missing", "duplicates", "failed")
_NUM_TOLD = 5


def as_object(hunt: Hunt) -> dict[str, Any]:
    """What `--json` prints."""
    tally = hunt.tally
    return {
        "leaks": tally.leaks,
        "wrong": tally.wrong,
        "pairs": tally.pairs,
        "contexts": tally.contexts,
        "seconds": round(hunt.seconds, 1),
        "items": hunt.items,
        "absent": hunt.absent,
        "stopped": hunt.stopped,
        "release": hunt.release,
        "revision": hunt.revision,
        "rules_version": hunt.rules,
        "routes": msgspec.to_builtins(tally.routes),
        "refusals": dict(tally.refusals.most_common(_NUM_TOLD)),
        "findings": msgspec.to_builtins(tally.findings),
    }


def as_table(hunt: Hunt) -> Table:
    """A line for each way of asking."""
    table = Table("asked by", *_COLUMNS, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for route, count in hunt.tally.routes.items():
        table.add_row(route, *(f"{getattr(count, name):,}" for name in _COLUMNS))
    return table


def summary(hunt: Hunt) -> list[str]:
    """What the table leaves to be said."""
    tally = hunt.tally
    lines = [
        f"Release {hunt.release}, revision {hunt.revision}, rules {hunt.rules}: {tally.pairs:,} pairs of item and "
        f"context in {hunt.seconds:,.1f} s ({tally.contexts:,} contexts, {hunt.items:,} items).",
    ]
    if hunt.absent:
        lines.append(
            f"{hunt.absent:,} items of the catalogue are not in the release (rejected, removed or taken down since)."
        )
    lines += [f"Refused {number:,} times: {reason}" for reason, number in tally.refusals.most_common(_NUM_TOLD)]
    for finding in tally.findings[:_NUM_TOLD]:
        request = "" if finding.request is None else f": {msgspec.json.encode(finding.request).decode()}"
        rule = "" if finding.rule is None else f" ({finding.rule})"
        lines.append(f"{finding.found} by {finding.route}: {finding.item}{rule}{request}")
    if hunt.stopped:
        lines.append(
            f"{hunt.stopped:,} forbidden hits were stopped by the service's own re-check: its index and its columns "
            "differ. Build again and activate."
        )
    lines.append(f"leaks = {tally.leaks:,}; missing, double or failed = {tally.wrong - tally.leaks:,}")
    return lines
