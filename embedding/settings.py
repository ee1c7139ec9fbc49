"""Settings that rows, encoder and towers read; indexing and service add their own below."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct


class EmbeddingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of `nearfield.toml` that `embedding` understands."""

    data_dir: Path = Path(".nearfield")
    cache_dir: Path | None = None
    encoder: Path | None = None
    max_reject_share: Annotated[float, Meta(ge=0, le=1)] = 0.01

    @property
    def vector_cache_dir(self) -> Path:
        """Folder of cached text vectors: `cache_dir`, or `cache` in the data folder."""
        return self.cache_dir or self.data_dir / "cache"
