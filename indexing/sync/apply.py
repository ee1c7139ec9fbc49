"""How a difference gets into the journal: only rows that differ are put, and only those whose inputs do are encoded."""

from collections.abc import Iterator
from itertools import islice

from embedding.progress import Reporter
from embedding.rows.schema import Item
from embedding.text.text_vectors import TextVectors
from indexing.journal.current_rows import CurrentRows
from indexing.releases.workspace import Workspace
from indexing.state.records import Removed
from indexing.sync.diff import Difference

# Rows of a frame, which is all or nothing; the next sync finishes what one that was killed has begun.
_ROWS = 100
_REMOVED = 1_000


async def apply_difference(
    difference: Difference, live: CurrentRows, workspace: Workspace, texts: TextVectors, reporter: Reporter
) -> None:
    """Append all changes to the journal; what was appended holds from the next request on.

    Raises EncoderMissingError, NearfieldError where the journal cannot be written, or StoreError.
    """
    with reporter.stage("sync", difference.diff.num_changes) as advance:
        for items in _groups(difference.to_put()):
            await workspace.state.append(workspace.record_encoder.puts(items, live, texts, advance=advance))
        for start in range(0, len(difference.removed), _REMOVED):
            ids = difference.removed[start : start + _REMOVED]
            await workspace.state.append([Removed(item_id) for item_id in ids])
            advance(len(ids))


def _groups(batches: Iterator[list[Item]]) -> Iterator[list[Item]]:
    rows = (item for batch in batches for item in batch)
    while group := list(islice(rows, _ROWS)):
        yield group
