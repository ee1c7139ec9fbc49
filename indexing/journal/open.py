"""Where the journal of the settings lies: a file on one host, a collection of its own on a Qdrant server."""

from indexing.journal.file_log import FileLog
from indexing.journal.log import JournalLog
from indexing.settings import IndexingSettings
from indexing.stores.contract import VectorStore
from indexing.stores.open import backend_of


def open_journal(settings: IndexingSettings, store: VectorStore) -> JournalLog:
    """The journal of `settings`; on a server it speaks through the connection of `store`, which closes it."""
    if backend_of(settings).name != "server":
        return FileLog(settings.data_dir / "journal")
    # The client takes .9 s to import: only where there is a server.
    from indexing.journal.server_log import ServerLog
    from indexing.stores.server import ServerStore

    assert isinstance(store, ServerStore), "a store on a server is one of these"
    return ServerLog.beside(store)
