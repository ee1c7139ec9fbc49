"""Where the journal of a store lies: on the server beside its collections, or in a file beside the releases."""

from pathlib import Path

from indexing.journal.file_log import FileLog
from indexing.journal.log import JournalLog
from indexing.server_store import ServerStore
from indexing.store import VectorStore


def open_log(data_dir: Path, store: VectorStore) -> JournalLog:
    """The journal that belongs to `store`."""
    return store.journal() if isinstance(store, ServerStore) else FileLog(data_dir / "journal")
