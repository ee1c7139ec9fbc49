"""Pages of a list, each asked for with the cursor of the one before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar, cast


class Page(Protocol):
    """An answer that may have a next page."""

    @property
    def next_cursor(self) -> str | None:
        """What asks for it; None at the end."""


P = ParamSpec("P")
PageT = TypeVar("PageT", bound=Page)


def pages(query: Callable[P, PageT], *args: P.args, **kwargs: P.kwargs) -> Iterator[PageT]:
    """The pages of `query(*args, **kwargs)`, the first one included, each asked for when it is wanted.

    GoneError where the cursor has run out or the rules changed between two pages: then the list begins again.
    """
    page = query(*args, **kwargs)
    yield page
    while page.next_cursor is not None:
        page = query(*args, **_next(kwargs, page))
        yield page


async def async_pages(query: Callable[P, Awaitable[PageT]], *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[PageT]:
    """As `pages`."""
    page = await query(*args, **kwargs)
    yield page
    while page.next_cursor is not None:
        page = await query(*args, **_next(kwargs, page))
        yield page


def _next(kwargs: object, page: Page) -> Any:
    return {**cast("dict[str, Any]", kwargs), "cursor": page.next_cursor}
