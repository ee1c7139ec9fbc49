"""What a release shows, for those who do not serve it: the whole journal read into its rows."""

from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.state.contract import Log


async def current_rows(release: Release, log: Log) -> CurrentRows:
    """The rows of `release` as of now; DamagedError or StoreError when the journal cannot be read."""
    rows = CurrentRows(release)
    for frame in await log.reader().fresh():
        rows.apply(frame)
    return rows
