"""Where the journal of the settings lies: a file beside the releases."""

from indexing.journal.file_log import FileLog
from indexing.journal.log import JournalLog
from indexing.settings import IndexingSettings
from indexing.store import VectorStore


def open_log(settings: IndexingSettings, _store: VectorStore) -> JournalLog:
    """The journal that belongs to the settings' store."""
    return FileLog(settings.data_dir / "journal")
