"""`short_reason`: why a page has fewer hits than were asked for, stage by stage."""

from collections.abc import Mapping
from datetime import UTC, datetime

from indexing.rules.context import RequestContext
from service.arranging.caps import CAPS
from service.schemas.stages import StageName

NO_LONGER = "no_longer"
"""What keeps out a row that was in the list when its first page was shown, and may be shown no longer."""

_BY_ARRANGEMENT = {cap.name: cap.reason for cap in CAPS} | {
    NO_LONGER: "as the journal or the clock has closed them since the first page"
}


def short_reason(
    context: RequestContext,
    *,
    passing: int,
    kept_out: Mapping[str, int],
    removed: Mapping[StageName, int | Mapping[str, int]],
) -> str:
    """Why a page is short: `passing` items are let through by the rules.

    `kept_out`: of the release's items, how many each hard rule keeps out by itself; `removed`: how many of those that
    pass each stage removed, the arrangement by the name of the rule.
    """
    at = datetime.fromtimestamp(context.at_s, UTC).isoformat().replace("+00:00", "Z")
    rules = f"the rules let {passing} items pass in market {context.market} at {at}{_narrowed(context)}"
    if kept_out:
        rules += f" (of all, {', '.join(f'{rule} keeps out {number}' for rule, number in kept_out.items())})"
    if not passing:
        return f"{rules}."
    gone = _all_removed(removed)
    return f"{rules}; {gone}." if gone else f"{rules}, and all of them are here."


def others_score_less(num_above: int, removed: Mapping[StageName, int | Mapping[str, int]]) -> str:
    """Why a page is short of a list that its score threshold ends: `num_above` items score as much; `removed` as in
    `short_reason`."""
    reason = f"score-threshold: {num_above} of the items that may come score as much as score_threshold asks"
    gone = _all_removed(removed)
    return f"{reason}; {gone}." if gone else f"{reason}, and all of them are here."


def _all_removed(removed: Mapping[StageName, int | Mapping[str, int]]) -> str:
    return ", ".join(part for stage, numbers in removed.items() for part in _removed(stage, numbers))


def _removed(stage: StageName, numbers: int | Mapping[str, int]) -> list[str]:
    """What one stage removed, in words."""
    if not isinstance(numbers, int):
        return [f"{number} {_BY_ARRANGEMENT[rule]}" for rule, number in numbers.items()]
    if not numbers:
        return []
    if stage == "exclusions":
        return [f"{numbers} of them are left out as seeds, history, excluded, blocked or already heard"]
    return [f"{numbers} were shown on earlier pages"]


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
