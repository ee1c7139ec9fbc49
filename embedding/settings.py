"""Settings that rows, encoder and towers read, and what `encoder` may name; indexing and service add theirs below."""

import re
from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta, Struct

# Hugging Face's own rule for `owner/model`; an absolute path never fits it.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)

MINILM, MULTILINGUAL = "all-MiniLM-L6-v2", "multilingual-e5-small"
"""The encoders that packages carry; the first is the one that no setting means."""


class EncoderPlace(str):
    """Path of a sentence-transformers model's folder, `owner/model` on a hub, or the name of a packaged encoder."""

    __slots__ = ()

    @classmethod
    def named(cls, text: str, base: Path) -> Self:
        """What `text` means where relative paths count from `base`: a folder that is there wins over other names."""
        folder = base / text
        is_name = text in (MINILM, MULTILINGUAL) or _HUB_NAME.fullmatch(text)
        return cls(text if is_name and not folder.is_dir() else str(folder))

    @property
    def hub_name(self) -> str | None:
        """The name on a hub, None for a folder and for a packaged encoder."""
        return str(self) if _HUB_NAME.fullmatch(self) else None


class EmbeddingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of `nearfield.toml` that `embedding` understands."""

    data_dir: Path = Path(".nearfield")
    cache_dir: Path | None = None
    # A packaged one's name, a folder, or a name such as `sentence-transformers/all-MiniLM-L6-v2` on a hub.
    encoder: EncoderPlace | None = None
    max_reject_share: Annotated[float, Meta(ge=0, le=1)] = 0.01

    @property
    def vector_cache_dir(self) -> Path:
        """Folder of cached text vectors: `cache_dir`, or `cache` in the data folder."""
        return self.cache_dir or self.data_dir / "cache"
