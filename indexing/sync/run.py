"""What `nearfield index diff` and `sync` run: the comparison, the change gate and the journal of the settings."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.progress import Reporter
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.rows.rejects import Rejects, default_rejects_path
from embedding.rows.spool import Spool
from indexing.building.compaction import compact
from indexing.building.compaction_due import is_due
from indexing.journal.current_rows import CurrentRows
from indexing.releases.known_lines import AmbiguousLinesError, KnownLines, State, lines_path, load_lines
from indexing.releases.releases import Author
from indexing.releases.workspace import Workspace, open_workspace
from indexing.settings import IndexingSettings
from indexing.sync.apply import apply_difference
from indexing.sync.change_gate import Bounds, enforce
from indexing.sync.diff import Diff, Difference
from indexing.sync.effects import Effects, effects_of


class Outcome(Struct, frozen=True):
    """What a diff found or a sync did."""

    release: str
    revision: int
    diff: Diff
    rejected: int
    rejects: Path


async def run_diff(
    catalogue: Path, settings: IndexingSettings, reporter: Reporter, rows: RowParsers = PLAIN_ROWS
) -> tuple[Outcome, Effects]:
    """Compare `catalogue`, read as `rows` say, with what is live; nothing is written but rejects."""
    async with open_workspace(settings) as workspace:
        live = await workspace.live()
        with _compared(catalogue, live, settings, reporter, rows) as (difference, _, rejects):
            return _outcome(live, difference, rejects), await effects_of(difference, live, workspace, reporter)


async def run_sync(
    catalogue: Path, settings: IndexingSettings, reporter: Reporter, rows: RowParsers = PLAIN_ROWS
) -> Outcome:
    """Make what is live equal to `catalogue`, read as `rows` say. ChangeGateError when that is too much at once."""
    async with open_workspace(settings) as workspace:
        # Before the lock, which would leave a folder where there is nothing to sync.
        await workspace.releases.live_id()
        async with workspace.state.build_lock():
            return await _synced(catalogue, workspace, reporter, rows)


async def _synced(catalogue: Path, workspace: Workspace, reporter: Reporter, rows: RowParsers) -> Outcome:
    settings = workspace.settings
    live = await workspace.live()
    with _compared(catalogue, live, settings, reporter, rows) as (difference, lines, rejects):
        enforce(difference.diff, _bounds(settings))
        now = live
        if difference.diff.num_changes:
            with workspace.texts_of(live.release) as texts:
                await apply_difference(difference, live, workspace, texts, reporter)
            now = await workspace.live()
        path = lines_path(settings.data_dir, now.release.id)
        lines.save(path, State.of(now.release.id, now.rows_seq), difference.rows_read(now))
        return _outcome(now, difference, rejects)


async def compact_if_due(settings: IndexingSettings, reporter: Reporter, author: Author) -> str | None:
    """Compact what is live where the journal has grown too large; the new release's id. `author` is who syncs."""
    async with open_workspace(settings) as workspace:
        if not is_due(await workspace.live(), settings.max_journal_share):
            return None
        made = await compact(workspace, reporter, only_if_due=True, author=author)
        return None if made is None else made.id


def _bounds(settings: IndexingSettings) -> Bounds:
    return Bounds(settings.max_removed_share, settings.max_changed_share, settings.max_opened_share)


@contextmanager
def _compared(
    catalogue: Path, live: CurrentRows, settings: IndexingSettings, reporter: Reporter, rows: RowParsers
) -> Iterator[tuple[Difference, KnownLines, Rejects]]:
    path = lines_path(settings.data_dir, live.release.id)
    known = load_lines(path, State.of(live.release.id, live.rows_seq))
    with ExitStack() as opened:
        try:
            found = _compare(opened, known, catalogue, live, settings, reporter, rows)
        except AmbiguousLinesError:
            # Which of two rows counts is for the first of them to say: it must be read.
            opened.close()
            found = _compare(opened, None, catalogue, live, settings, reporter, rows)
        yield found


def _compare(
    opened: ExitStack,
    known: NDArray[np.void] | None,
    catalogue: Path,
    live: CurrentRows,
    settings: IndexingSettings,
    reporter: Reporter,
    rows: RowParsers,
) -> tuple[Difference, KnownLines, Rejects]:
    folder = opened.enter_context(TemporaryDirectory(prefix="nearfield-sync-"))
    spool = opened.enter_context(Spool(Path(folder) / "rows.spool"))
    rejects = opened.enter_context(Rejects(default_rejects_path(settings.data_dir, catalogue)))
    difference = Difference(live, spool)
    lines = difference.read(catalogue, rejects, settings.max_reject_share, reporter, known, rows)
    return difference, lines, rejects


def _outcome(live: CurrentRows, difference: Difference, rejects: Rejects) -> Outcome:
    return Outcome(live.release.id, live.revision, difference.diff, rejects.rejected, rejects.path)
