"""A primary with a standby, for tests of what is left when the one takes over."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres_server import PostgresServer, postgres_server


@contextmanager
def primary_and_standby(*, is_synchronous: bool) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Both run; the standby follows, and is waited for by each commit where it `is_synchronous`."""
    with postgres_server() as primary:
        folder = primary.folder.parent / "standby"
        folder.mkdir()
        standby = primary.standby(folder, ("-c", "wal_retrieve_retry_interval=100ms"))
        standby.start()
        if is_synchronous:
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.execute("SELECT pg_reload_conf()")
        wanted = [("sync" if is_synchronous else "async",)]
        give_up_at = time.monotonic() + 120
        while primary.execute("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'") != wanted:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        try:
            yield primary, standby
        finally:
            standby.stop()
