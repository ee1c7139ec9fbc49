"""Why a hand-over was refused: fresh workers could not load a newer release, and this one still serves."""

_reason: str | None = None


def note(reason: str | None) -> None:
    """Keep what the main process said last; None when there is nothing to tell any more."""
    global _reason
    _reason = reason


def current() -> str | None:
    """The reason, for a person; None when the newest release is the one that is served."""
    return _reason
