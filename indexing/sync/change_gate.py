"""How much may change at once: a catalogue that was cut off must not empty the service."""

from msgspec import Struct

from indexing.errors import ChangeGateError
from indexing.sync.diff import Diff

# So few rows are a person's edit, whatever their share.
_ALWAYS = 100


class Bounds(Struct, frozen=True):
    """The largest shares (0 to 1) of the live rows that one sync may touch; each is a setting of that name."""

    max_removed_share: float
    max_changed_share: float
    max_opened_share: float


def enforce(diff: Diff, bounds: Bounds) -> None:
    """ChangeGateError when more rows than allowed would be removed, changed, or opened to everywhere."""
    kinds = {
        "max_removed_share": ("be removed", diff.removed),
        "max_changed_share": ("change their vectors", diff.changed),
        "max_opened_share": ("be opened from restricted to everywhere", diff.opened),
    }
    told = []
    for setting, (what, count) in kinds.items():
        allowed = max(_ALWAYS, int(getattr(bounds, setting) * diff.before))
        if count > allowed:
            share = count / max(1, diff.before)
            told.append(
                f"{count:,} of {diff.before:,} rows ({share:.1%}) would {what}, at most {allowed:,} may "
                f"({setting} = {getattr(bounds, setting):g})"
            )
    if told:
        raise ChangeGateError(
            f"{'; '.join(told)}. Nothing was changed. "
            "Look with `nearfield index diff`; if it is meant, raise the setting."
        )
