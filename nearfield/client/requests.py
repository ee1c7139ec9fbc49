"""What requests may say: the bodies and parameters of the routes (docs/api.md), as types for a checker of types.

Nothing is checked here: the service refuses what it cannot take, and says what it expected.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, Protocol, TypedDict

Kind = Literal["track", "episode"]
Filter = Mapping[str, Any]
"""`{"field": "tags", "one_of": ["jazz"]}`, or `{"all": [...]}`, `{"any": [...]}`, `{"none": [...]}` of such."""
Time = str | datetime
"""RFC 3339 or a bare date; without an offset it is UTC."""


RowField = Literal[
    "kind",
    "title",
    "creator",
    "creators",
    "explicit",
    "album",
    "duration_s",
    "language",
    "published_at",
    "tags",
    "min_age",
    "popularity",
    "availability",
    "extra",
    "vector",
]


class Array(Protocol):
    """An array of numpy's, or what can be made a list as such an array can."""

    def tolist(self) -> Any:
        """Its numbers."""


class Context(TypedDict, total=False):
    """The circumstances of a request, as far as the rules care."""

    market: str
    at: Time
    explicit: bool
    languages: Sequence[str]
    age: int
    blocked_items: Sequence[str]
    blocked_creators: Sequence[str]


class Seed(TypedDict, total=False):
    """What to start from: an item by its `id`, or a `vector` of the space `using`; a negative weight pushes away."""

    id: str
    weight: float
    vector: Sequence[float] | Array
    using: Literal["tower", "text"]


class Listen(TypedDict):
    """An item that was heard, liked (weight above 0) or skipped (below 0); `at` may be epoch seconds, too."""

    id: str
    at: NotRequired[Time | float]
    weight: NotRequired[float]


class Mix(TypedDict, total=False):
    """So many of each kind in as many hits as they come to together."""

    track: int
    episode: int


class Selection(TypedDict, total=False):
    """What every request may say of which items it wants to be shown, and from which release."""

    context: Context
    kinds: Sequence[Kind]
    exclude: Sequence[str]
    filter: Filter
    switches: Mapping[str, bool]
    release: str


class Paged(Selection, total=False):
    """What is answered page by page; `fields`: which fields of a row come."""

    limit: int
    cursor: str
    fields: Sequence[RowField]


class QueryOptions(Paged, total=False):
    """What every query may say."""

    score_threshold: float
    explain: bool
    same_recording: bool
    mix: Mix


class SimilarOptions(QueryOptions, total=False):
    """What `similar` may say beside its seeds."""

    unknown_seeds: Literal["error", "skip"]


class SimilarQuery(SimilarOptions):
    """The body of `similar`."""

    seeds: Sequence[Seed]


class RecommendQuery(QueryOptions, total=False):
    """The body of `recommend`: a `user_id`, a `history` ([] for someone who has heard nothing yet), or both."""

    user_id: str
    history: Sequence[Listen]
    unknown_seeds: Literal["error", "skip"]


class SearchOptions(QueryOptions, total=False):
    """What `search` may say beside its text."""

    mode: Literal["hybrid", "semantic", "lexical", "tower"]
    seeds: Sequence[Seed]
    unknown_seeds: Literal["error", "skip"]


class SearchQuery(SearchOptions):
    """The body of `search`."""

    text: str


class FacetsQuery(Selection, total=False):
    """The body of `facets`; `fields`: which fields are counted by, `limit`: how many values of each."""

    fields: Sequence[Literal["kind", "language", "tags", "creators"]]
    limit: int


class AnyQuery(TypedDict, total=False):
    """One query, the body of its route under the route's name."""

    similar: SimilarQuery
    recommend: RecommendQuery
    search: SearchQuery


class BatchBody(TypedDict):
    """The body of `batch`."""

    queries: Sequence[AnyQuery]


class SelectionParameters(TypedDict, total=False):
    """What a GET route takes of a selection, its context among the others."""

    market: str
    at: Time
    explicit: bool
    languages: Sequence[str]
    kinds: Sequence[Kind]
    age: int
    blocked_items: Sequence[str]
    blocked_creators: Sequence[str]
    exclude: Sequence[str]
    filter: Filter
    switches: Mapping[str, bool]
    release: str


class SuggestOptions(SelectionParameters, total=False):
    """What `suggest` may say beside what was typed."""

    limit: int


class SuggestParameters(SuggestOptions):
    """The parameters of `GET /v1/suggest`."""

    q: str


class ItemsParameters(SelectionParameters, total=False):
    """The parameters of `GET /v1/items`."""

    limit: int
    order: Literal["row", "newest", "popular"]
    cursor: str
    fields: Sequence[RowField]


class SimilarToParameters(TypedDict, total=False):
    """The parameters of `GET /v1/items/{item_id}/similar`."""

    market: str
    limit: int
    at: Time
    explicit: bool
    languages: Sequence[str]
    kinds: Sequence[Kind]
    cursor: str
    score_threshold: float
    fields: Sequence[RowField]


# `from` is no name in Python.
Licence = TypedDict("Licence", {"market": str, "from": NotRequired[Time], "until": NotRequired[Time]})


class Chapter(TypedDict):
    """A chapter of an episode: where it begins, in seconds."""

    start_s: float
    title: str


class Row(TypedDict):
    """A catalogue row (docs/rows.md)."""

    id: str
    kind: Kind
    title: str
    creator: str
    creators: NotRequired[Sequence[str]]
    text: NotRequired[str]
    chapters: NotRequired[Sequence[Chapter]]
    album: NotRequired[str]
    tags: NotRequired[Sequence[str]]
    language: NotRequired[str]
    duration_s: NotRequired[float]
    published_at: NotRequired[Time]
    explicit: NotRequired[bool]
    min_age: NotRequired[int]
    availability: NotRequired[Sequence[Licence]]
    popularity: NotRequired[float]
    extra: NotRequired[Mapping[str, str | int | float | bool]]


class RowsBody(TypedDict):
    """The body of `PUT /v1/items`."""

    items: Sequence[Row]


class RulesBody(TypedDict):
    """The body of `PUT /v1/rules`."""

    toml: str


class TakeDownParameters(TypedDict, total=False):
    """The parameters of `PUT /v1/items/{item_id}/takedown`; `ahead`: also an id that nothing is known of."""

    ahead: bool
    why: str


class LiftParameters(TypedDict, total=False):
    """The parameters of `DELETE /v1/items/{item_id}/takedown`."""

    why: str


class TakedownsParameters(TypedDict, total=False):
    """The parameters of `GET /v1/takedowns`."""

    limit: int
    cursor: str


class ActivateParameters(TypedDict, total=False):
    """The parameters of `POST /v1/releases/{release_id}/activate`."""

    widen: bool
    why: str
