"""Settings that stores and releases read."""

from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta

from embedding.settings import EmbeddingSettings


class StorePlace(str):
    """Path of a folder, or an address that fsspec reads, such as `s3://bucket/prefix`."""

    __slots__ = ()

    @classmethod
    def named(cls, text: str, base: Path) -> Self:
        """What `text` means where relative paths count from `base`."""
        return cls(text if "://" in text or "::" in text else str(base / text))


class IndexingSettings(EmbeddingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of `nearfield.toml` that `indexing` understands, on top of embedding's."""

    # Address of a Qdrant server, or of several nodes of one with commas; left out, the embedded store is used.
    qdrant_url: str | None = None
    qdrant_api_key: str | None = None
    # An answer that is late is none: by then one call to the engine has been given up, and perhaps a second one.
    query_timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 2.0
    # Address of a PostgreSQL database that keeps the state, for any number of hosts; left out, it is files in data_dir.
    state_url: str | None = None
    # What this host is called where hosts are told apart; left out, the system's name for it.
    host_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None
    # Seconds for which a worker goes on answering when the state's database is away.
    lease_s: Annotated[float, Meta(ge=2, le=86_400)] = 600.0
    # Seconds that a change waits for all workers before it is answered as one that does not hold everywhere yet.
    ack_wait_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    # Seconds that a switch waits for all hosts to have loaded what is to go live.
    activate_wait_s: Annotated[float, Meta(ge=1, le=86_400)] = 900.0
    # The rules that people edit; `nearfield serve` puts a good change of it in force.
    rules: Path = Path("rules.toml")
    # The largest shares of the live rows that one sync may remove (a build too), give other vectors, or open wide.
    max_removed_share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    max_changed_share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    max_opened_share: Annotated[float, Meta(ge=0, le=1)] = 0.1
    # The least share of their nearest ten that items must keep in a new release of the same model.
    min_overlap: Annotated[float, Meta(ge=0, le=1)] = 0.2
    # The share of the live release's rows that the journal may change before they are compacted into a new one.
    max_journal_share: Annotated[float, Meta(ge=0.001, le=1)] = 0.05
    # Releases that stay after an activation: so many, within so many bytes where that is set.
    keep_releases: Annotated[int, Meta(ge=2, le=1_000)] = 3
    max_release_bytes: Annotated[int, Meta(ge=1)] | None = None
    # The folder or bucket through which hosts get one another's releases.
    release_store: StorePlace | None = None
    # Besides the live release and the one before it, those that stay and that every worker holds ready.
    pinned_releases: tuple[str, ...] = ()
    # Collections and the alias on a shared server begin with this.
    qdrant_prefix: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,40}$")] = "nearfield"
    # Of collections that are made from now on; None is one shard a node.
    qdrant_shards: Annotated[int, Meta(ge=1, le=1_024)] | None = None
    qdrant_replicas: Annotated[int, Meta(ge=1, le=32)] = 1
