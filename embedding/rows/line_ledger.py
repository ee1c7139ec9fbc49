"""What lets a reader pass over lines whose rows somebody has already, byte for byte."""

from typing import Protocol


class LineLedger(Protocol):
    """Is asked about each line before it is read as a row, and told of each row that was good."""

    def knows(self, line: bytes) -> bool:
        """Whether the row in `line` (with its line end) is known as it is; then it is neither read nor given."""

    def took(self) -> None:
        """The row that was read last was good, and is given to whoever reads; rows come in this order."""
