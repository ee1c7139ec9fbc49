"""Why this worker still serves an older release, where fresh workers could not take up a newer one; ready tells it."""

_reason: str | None = None


def note(reason: str | None) -> None:
    """Keep what the main process said last; None when there is nothing to tell any more."""
    global _reason
    _reason = reason


def current() -> str | None:
    """The reason, for a person; None when the newest release is the one that is served."""
    return _reason
