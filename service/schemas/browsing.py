"""Requests and answers of what is shown without a ranking: facets, suggestions, listings."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from embedding.rows.schema import Kind
from service.schemas.requests import MAX_LIMIT, Paged, Selection
from service.schemas.row_fields import RowFields

MAX_VALUES = 1_000
MAX_LISTED = 1_000

# As filters name them.
FacetField = Literal["kind", "language", "tags", "creators"]
Order = Literal["row", "newest", "popular"]


class FacetsRequest(Selection, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How many items may be shown, and how many of them have each value."""

    fields: Annotated[
        tuple[FacetField, ...], Meta(max_length=4, description="Which fields are counted by; `[]`: none, all alone.")
    ] = ("kind", "language", "tags", "creators")
    limit: Annotated[int, Meta(ge=1, le=MAX_VALUES, description="How many values of each field come.")] = 10


class SuggestRequest(Selection, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Titles and names of creators that go on as `q` begins."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 10


class ItemsRequest(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """All items that may be shown, page by page."""

    order: Order = "row"
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = 100


class FacetValue(Struct, frozen=True):
    """How many items have a value; a creator in the spelling that most of them have."""

    value: str
    count: int


class Facet(Struct, frozen=True):
    """The values that most items have, the most frequent first and equals by their text; `other`: what the counts of
    all others come to together, `missing`: how many items have none."""

    values: list[FacetValue]
    other: int
    missing: int


class FacetsAnswer(Struct, frozen=True):
    """`count` items may be shown; `facets` by field, in the order asked for."""

    count: int
    facets: dict[FacetField, Facet]
    release: str
    revision: int


class Suggestion(Struct, frozen=True, omit_defaults=True):
    """A title, with the most popular item that bears it, or the name of a creator."""

    text: str
    type: Literal["title", "creator"]
    id: str | None = None
    kind: Kind | None = None
    creator: str | None = None


class SuggestAnswer(Struct, frozen=True):
    """Suggestions, best first."""

    suggestions: list[Suggestion]
    release: str
    revision: int


class ListedItem(RowFields, frozen=True, omit_defaults=True):
    """One item of a listing."""

    id: str


class ItemsAnswer(Struct, frozen=True, omit_defaults=True):
    """Items in the order asked for; `next_cursor` is left out where there are no more."""

    items: Sequence[ListedItem]
    release: str
    revision: int
    next_cursor: str | None = None


BrowseAnswer = FacetsAnswer | SuggestAnswer | ItemsAnswer
