"""Which lines a reader skips: those whose rows are known already, byte for byte."""

from typing import Protocol


class UnchangedLines(Protocol):
    """Asked by a reader about each line before it is parsed, and called after each good row."""

    def knows(self, line: bytes) -> bool:
        """Whether the row in `line` (with its line end) is known as it is; then it is skipped."""

    def took(self) -> None:
        """The row that was parsed last was good, and will be in a batch; rows come in this order."""
