"""Answers of the service, each a Struct with the fields of its schema in the OpenAPI document.

A field that a newer service adds is passed over. Times are RFC 3339 in UTC.
"""

from msgspec import Struct

from nearfield.client.errors import Problem
from nearfield.client.requests import Kind


class NearSeed(Struct, frozen=True):
    """The seed, or listen, that a hit is most like."""

    id: str
    similarity: float


class ScoreParts(Struct, frozen=True):
    """What a hit's place comes of."""

    similarity: float
    freshness: float
    popularity: float
    own_language: float
    likeness: float


class HybridParts(Struct, frozen=True):
    """What `similarity` is made of where words and meaning are searched together."""

    meaning: float
    words: float
    called: int


class Explanation(Struct, frozen=True):
    """Why a hit is where it is: its score in parts, whether each rule passes it, the plan by which it was found."""

    score: ScoreParts
    rules: dict[str, bool]
    plan: str
    nearest_seed: NearSeed | None = None
    hybrid: HybridParts | None = None


class Passage(Struct, frozen=True):
    """A part of an item's text: characters `start` to before `end`."""

    start: int
    end: int


class Licence(Struct, frozen=True, rename={"from_": "from"}):
    """Open in `market` ("*" is everywhere) from `from_` until before `until`; None is no bound."""

    market: str
    from_: str | None = None
    until: str | None = None


class RowFields(Struct, frozen=True, kw_only=True):
    """Fields of a row: None where it does not have one, or where the request named others (`fields`)."""

    kind: Kind | None = None
    title: str | None = None
    creator: str | None = None
    creators: tuple[str, ...] | None = None
    explicit: bool | None = None
    album: str | None = None
    duration_s: float | None = None
    language: str | None = None
    published_at: str | None = None
    tags: tuple[str, ...] | None = None
    min_age: int | None = None
    popularity: float | None = None
    availability: tuple[Licence, ...] | None = None
    extra: dict[str, str | int | float | bool] | None = None
    vector: tuple[float, ...] | None = None


class Hit(RowFields, frozen=True, kw_only=True):
    """One item of an answer; `space` says by what it was scored, `source` what it is from where the answer fell back,
    `explain` is there where the query asked for it."""

    id: str
    score: float
    space: str | None = None
    source: str | None = None
    explain: Explanation | None = None
    passage: Passage | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """Hits in the order to be shown; `short_reason` says why there are fewer than asked for, `skipped` which seeds are
    not in the catalogue, `degraded` what the answer was made without."""

    hits: tuple[Hit, ...]
    release: str
    revision: int
    next_cursor: str | None = None
    short_reason: str | None = None
    skipped: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


class FacetValue(Struct, frozen=True):
    """How many items have a value."""

    value: str
    count: int


class Facet(Struct, frozen=True):
    """The values that most items have, the most frequent first; `other`: what the counts of all others come to
    together, `missing`: how many items have none."""

    values: tuple[FacetValue, ...]
    other: int
    missing: int


class FacetsAnswer(Struct, frozen=True):
    """`count` items may be shown; `facets` by field."""

    count: int
    facets: dict[str, Facet]
    release: str
    revision: int


class Suggestion(Struct, frozen=True, kw_only=True):
    """A title, with the most popular item that bears it, or the name of a creator."""

    text: str
    type: str
    id: str | None = None
    kind: Kind | None = None
    creator: str | None = None


class SuggestAnswer(Struct, frozen=True):
    """Suggestions, best first."""

    suggestions: tuple[Suggestion, ...]
    release: str
    revision: int


class ListedItem(RowFields, frozen=True, kw_only=True):
    """One item of a listing."""

    id: str


class ItemsAnswer(Struct, frozen=True):
    """Items in the order asked for."""

    items: tuple[ListedItem, ...]
    release: str
    revision: int
    next_cursor: str | None = None


class Outcome(Struct, frozen=True):
    """What came of one query of a batch: an answer, or the problem with it."""

    status: int
    answer: Answer | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True):
    """One outcome for each query, in their order."""

    outcomes: tuple[Outcome, ...]


class WhyAnswer(Struct, frozen=True, kw_only=True):
    """What became of one item in one list, and which stage decided it; `told` says it in a sentence."""

    id: str
    outcome: str
    stage: str
    told: str
    rules: dict[str, bool]
    release: str
    revision: int
    num_items: int
    place: int | None = None
    score: float | None = None
    rank: int | None = None


class Item(Struct, frozen=True, kw_only=True):
    """All that a release keeps of a row, whatever the rules say of it."""

    id: str
    kind: Kind
    title: str
    creator: str
    creators: tuple[str, ...]
    album: str | None
    tags: tuple[str, ...]
    language: str | None
    duration_s: float | None
    published_at: str | None
    explicit: bool | None
    min_age: int
    popularity: float
    availability: tuple[Licence, ...]
    extra: dict[str, str | int | float | bool]
    release: str
    revision: int
