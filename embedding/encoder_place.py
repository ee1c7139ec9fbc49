"""What the setting `encoder` may be: a folder, or a name on a hub."""

import re
from pathlib import Path
from typing import Self

# Hugging Face's own rule for `owner/model`; an absolute path never fits it.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


class EncoderPlace(str):
    """Path of a sentence-transformers model's folder, or `owner/model` on a hub."""

    __slots__ = ()

    @classmethod
    def named(cls, text: str, base: Path) -> Self:
        """What `text` means where relative paths count from `base`: a folder that is there wins over a hub's name."""
        folder = base / text
        return cls(text if _HUB_NAME.fullmatch(text) and not folder.is_dir() else str(folder))

    @property
    def hub_name(self) -> str | None:
        """The name on a hub, None for a folder."""
        return str(self) if _HUB_NAME.fullmatch(self) else None
