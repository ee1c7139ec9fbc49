"""What is told when there were fewer hits than asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime

from indexing.rules.context import RequestContext
from service.arranging.caps import NO_LONGER, PER_CREATOR, PER_TAG, SAME_RECORDING

_LEFT_OUT = {
    PER_CREATOR: "by the cap on hits per creator (max_per_creator)",
    PER_TAG: "by the cap on hits per tag (max_per_tag)",
    SAME_RECORDING: "as recordings that are in the list already (same_recording)",
    NO_LONGER: "as the journal or the clock has closed them since the first page",
}


def short_reason(
    context: RequestContext,
    *,
    passing: int,
    excluded: int,
    shown: int,
    left_out: Mapping[str, int],
    kept_out: Mapping[str, int],
) -> str:
    """`passing` items are let through by the rules, `excluded` of them were excluded by the request or as heard.

    `shown` were on earlier pages; `left_out`: how many each arrangement rule kept away; `kept_out`: of the release's
    items, how many each hard rule keeps out by itself.
    """
    at = datetime.fromtimestamp(context.at_s, UTC).isoformat().replace("+00:00", "Z")
    rules = f"the rules let {passing} items pass in market {context.market} at {at}{_narrowed(context)}"
    if kept_out:
        rules += f" (of all, {', '.join(f'{rule} keeps out {number}' for rule, number in kept_out.items())})"
    if not passing:
        return f"{rules}."
    gone = []
    if excluded:
        gone.append(f"{excluded} of them are left out as seeds, history, excluded, blocked or already heard")
    gone += [f"{number} {_LEFT_OUT[rule]}" for rule, number in left_out.items()]
    if shown:
        gone.append(f"{shown} were shown on earlier pages")
    return f"{rules}; {', '.join(gone)}." if gone else f"{rules}, and all of them are here."


def few_matching(num_found: int) -> str:
    """Of a search by words alone: whatever the rules let pass, no more items match."""
    return (
        f"{num_found} of the items that the rules let pass, and that are not excluded, share a word with the text or "
        "are called so; modes `hybrid` and `semantic` find others by meaning."
    )


def _narrowed(context: RequestContext) -> str:
    parts = []
    if context.kinds is not None:
        parts.append(f"kinds {', '.join(sorted(context.kinds))}")
    if not context.explicit:
        parts.append("explicit items kept out")
    if context.languages is not None:
        parts.append(f"languages {', '.join(sorted(context.languages))}")
    if context.age is not None:
        parts.append(f"age {context.age}")
    if context.blocked_creators:
        parts.append(f"{len(context.blocked_creators)} blocked creators")
    if context.filter is not None:
        parts.append("the filter of the request")
    return f" ({', '.join(parts)})" if parts else ""
