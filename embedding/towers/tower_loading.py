"""The towers, imported only when they are loaded: torch takes a second to import."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedding.towers.model import Towers


def load_towers(folder: Path) -> "Towers":
    """The towers in `folder`, as `Towers.load`."""
    # Commands that find nothing to encode never come here.
    from embedding.towers.model import Towers

    return Towers.load(folder)
