"""What is told when there were fewer hits than asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime

from indexing.context import RequestContext


def short_reason(context: RequestContext, *, passing: int, dropped: int, kept_out: Mapping[str, int]) -> str:
    """`passing` items are let through by the rules, `dropped` of them were excluded by the request or as heard.

    `kept_out`: of the release's items, how many each rule keeps out by itself.
    """
    at = datetime.fromtimestamp(context.at_s, UTC).isoformat().replace("+00:00", "Z")
    rules = f"the rules let {passing} items pass in market {context.market} at {at}{_narrowed(context)}"
    if kept_out:
        rules += f" (of all, {', '.join(f'{rule} keeps out {number}' for rule, number in kept_out.items())})"
    if not passing:
        return f"{rules}."
    if not dropped:
        return f"{rules}, and all of them are here."
    return f"{rules}; {dropped} of them are left out as seeds, history, excluded, blocked or already heard."


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
