"""Settings that rows, encoder and towers read; indexing and service add their own below."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from embedding.encoder_place import EncoderPlace


class EmbeddingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of `nearfield.toml` that `embedding` understands."""

    data_dir: Path = Path(".nearfield")
    cache_dir: Path | None = None
    # A folder, or a name such as `sentence-transformers/all-MiniLM-L6-v2` on a hub.
    encoder: EncoderPlace | None = None
    max_reject_share: Annotated[float, Meta(ge=0, le=1)] = 0.01

    @property
    def vector_cache_dir(self) -> Path:
        """Folder of cached text vectors: `cache_dir`, or `cache` in the data folder."""
        return self.cache_dir or self.data_dir / "cache"
