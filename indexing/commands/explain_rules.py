"""Why an item may or may not be shown in one context, rule by rule, on the live release with the rules in force."""

from collections.abc import Sequence

from msgspec import Struct

from indexing.releases.workspace import open_workspace
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.settings import IndexingSettings


class Explained(Struct, frozen=True, kw_only=True):
    """One item: whether the live release has it, whether it may be shown, and which rules let it pass."""

    id: str
    found: bool
    taken_down: bool = False
    shown: bool = False
    rules: dict[str, bool] = {}


class Explanation(Struct, frozen=True, kw_only=True):
    """What was asked of, and each item's verdicts."""

    release: str
    rules_version: str
    items: tuple[Explained, ...]


async def explain(settings: IndexingSettings, ids: Sequence[str], context: RequestContext) -> Explanation:
    """Ask every hard rule about each item; NoLiveReleaseError before the first activation."""
    async with open_workspace(settings) as workspace:
        live = await workspace.live()
        version, ruleset = await workspace.state.rules()
        release = live.release
        rules = HardRules(ruleset, version, release.classes, lambda _: None, release.share)

        def explained(item_id: str) -> Explained:
            row = live.row_of(item_id)
            if row < 0:
                return Explained(id=item_id, found=False)
            verdicts = rules.verdicts(context, live.payload(row))
            taken_down = item_id in live.taken_down
            shown = all(verdicts.values()) and not live.dropped[row]
            return Explained(id=item_id, found=True, taken_down=taken_down, shown=shown, rules=verdicts)

        return Explanation(release=release.id, rules_version=version, items=tuple(map(explained, ids)))
