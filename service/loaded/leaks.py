"""The leak counter: forbidden rows that an index gave and the re-check stopped, each logged once."""

import logging

_log = logging.getLogger("nearfield.service")

# An index that is wrong throughout must not fill the disk with lines that say the same.
_MOST_TOLD = 1_000


class Leaks:
    """Of one release in this process, whatever rules it was asked under."""

    def __init__(self) -> None:
        self.num = 0
        self._told: set[int] = set()

    def count(self, row: int, item_id: str, release_id: str) -> None:
        """One hit was stopped."""
        self.num += 1
        if row in self._told or len(self._told) >= _MOST_TOLD:
            return
        self._told.add(row)
        _log.error(
            "leak stopped: the engine gave row %d (item %r) of release %s, which the rules forbid; "
            "the index and the columns differ. Build again and activate, or roll back.",
            row,
            item_id,
            release_id,
        )
