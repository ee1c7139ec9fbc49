"""When the journal has grown so much that what is live should become a release of its own."""

from indexing.journal.current_rows import CurrentRows

# Fewer rows cost a request nothing that could be measured, whatever their share.
_ALWAYS = 1_000


def is_due(live: CurrentRows, max_share: float) -> bool:
    """Whether more rows were changed since the build than that share (0 to 1) of the release's own."""
    return live.num_journalled > max(_ALWAYS, max_share * live.num_own)
