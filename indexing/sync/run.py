"""`index diff` and `index sync` with the real parts that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from embedding.progress import Reporter
from embedding.rejects import Rejects, default_rejects_path
from embedding.spool import Spool
from indexing.compaction import compact
from indexing.compaction_due import is_due
from indexing.journal.current_rows import CurrentRows
from indexing.lock import build_lock
from indexing.settings import IndexingSettings
from indexing.sync.change_gate import Bounds, enforce
from indexing.sync.diff import Diff, Difference
from indexing.sync.effects import Effects, effects_of
from indexing.sync.sync import apply_difference
from indexing.workplace import open_workplace


class Outcome(Struct, frozen=True):
    """What a diff found or a sync did."""

    release: str
    revision: int
    diff: Diff
    rejected: int
    rejects: Path


async def run_diff(catalogue: Path, settings: IndexingSettings, reporter: Reporter) -> tuple[Outcome, Effects]:
    """Compare `catalogue` with what is live; nothing is written, but a rejects file where rows are bad."""
    async with open_workplace(settings) as place:
        live = await place.live()
        with _compared(catalogue, live, settings, reporter) as (difference, rejects):
            return _outcome(live, difference, rejects), await effects_of(difference, live, place, reporter)


async def run_sync(catalogue: Path, settings: IndexingSettings, reporter: Reporter) -> Outcome:
    """Make what is live equal to `catalogue`. ChangeGateError when that is more than is allowed at once."""
    async with open_workplace(settings) as place:
        with build_lock(settings.data_dir):
            live = await place.live()
            with _compared(catalogue, live, settings, reporter) as (difference, rejects):
                enforce(difference.diff, _bounds(settings))
                with place.texts(live.release.has_text) as texts:
                    await apply_difference(difference, live, place, texts, reporter)
                return _outcome(await place.live(), difference, rejects)


async def compact_if_due(settings: IndexingSettings, reporter: Reporter) -> str | None:
    """Compact what is live where the journal has grown too large; the new release's id."""
    async with open_workplace(settings) as place:
        if not is_due(await place.live(), settings.max_journal_share):
            return None
        made = await compact(place, reporter, only_if_due=True)
        return None if made is None else made.id


def _bounds(settings: IndexingSettings) -> Bounds:
    return Bounds(settings.max_removed_share, settings.max_changed_share, settings.max_opened_share)


@contextmanager
def _compared(
    catalogue: Path, live: CurrentRows, settings: IndexingSettings, reporter: Reporter
) -> Iterator[tuple[Difference, Rejects]]:
    with (
        TemporaryDirectory(prefix="nearfield-sync-") as folder,
        Spool(Path(folder) / "rows.spool") as spool,
        Rejects(default_rejects_path(settings.data_dir, catalogue)) as rejects,
    ):
        difference = Difference(live, spool)
        difference.read(catalogue, rejects, settings.max_reject_share, reporter)
        yield difference, rejects


def _outcome(live: CurrentRows, difference: Difference, rejects: Rejects) -> Outcome:
    return Outcome(live.release.id, live.revision, difference.diff, rejects.rejected, rejects.path)
