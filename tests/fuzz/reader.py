"""What is fuzzed: a reader of the product, what good input of it looks like, and what must hold whatever comes."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hypothesis.strategies import SearchStrategy

from embedding.errors import NearfieldError

# (input, an empty folder in memory); LostRowsError where rows went missing.
Read = Callable[[bytes, Path], None]


class LostRowsError(AssertionError):
    """Rows that were neither taken nor rejected, or a value that is not what it says."""


class FuzzReader(NamedTuple):
    """One reader of the product.

    `read`: gives it an input, and counts; `seeds`: good inputs, which engines change; `drawn`: inputs made of values
    that nearly fit; `errors`: what the reader's callers tell people, where any other exception would be a traceback.
    """

    name: str
    read: Read
    seeds: Callable[[], list[bytes]]
    drawn: SearchStrategy[bytes]
    errors: tuple[type[Exception], ...] = (NearfieldError,)


def expect(holds: bool, message: str) -> None:
    """LostRowsError with `message` unless it `holds`."""
    if not holds:
        raise LostRowsError(message)
