"""Parts of one kind by their names: one list holds them all, in the order in which people are shown them."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from embedding.errors import UsageError


class Named(Protocol):
    """Anything with a name of its own: an object, or a class that says so in its body."""

    @property
    def name(self) -> str:
        """What it is called on the command line, in settings and in answers."""


PartT = TypeVar("PartT", bound=Named)


class Registry(Generic[PartT]):
    """The parts of one kind, each found by its name."""

    def __init__(self, kind: str, parts: Iterable[PartT]) -> None:
        """`kind`: what messages call one of them, such as "baseline". Raises ValueError where two have one name."""
        self._kind = kind
        self._parts: dict[str, PartT] = {}
        for part in parts:
            if part.name in self._parts:
                raise ValueError(f"two of the kind {kind!r} are called {part.name!r}")
            self._parts[part.name] = part

    def __getitem__(self, name: str) -> PartT:
        """The part called `name`; UsageError says which there are, and which of them is close."""
        part = self._parts.get(name)
        if part is None:
            close = difflib.get_close_matches(name, self._parts, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise UsageError(f"{self._kind}: expected one of {', '.join(self._parts)}{hint}; {name!r} came")
        return part

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[PartT]:
        return iter(self._parts.values())

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each part, in order."""
        return tuple(self._parts)
