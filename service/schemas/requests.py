"""Requests: the bodies of the query routes, with their limits in the types."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from embedding.rows.languages import MAX_RANGE, RANGE_PATTERN, RANGE_RULE, expected_range
from embedding.rows.markets import MARKETS
from embedding.rows.schema import Kind
from embedding.rows.times import TIME_PATTERN
from service.schemas.row_fields import Fields

MAX_LIMIT = 100
MAX_SEEDS = 100
MAX_HISTORY = 1_000
# More than any space has; a release's own number is told where another one comes.
MAX_DIMS = 8_192
# Beyond this a client is better served by a user's history, which the service holds itself.
MAX_IDS = 1_000
MAX_CURSOR = 10_000
MAX_TIME = 40


def component(name: str) -> dict[str, Any]:
    """A reference to a schema of the OpenAPI document that no type says whole."""
    return {"$ref": f"#/components/schemas/{name}"}


# Any text that an item's id or a creator's name could be compared with; the catalogue says what there is.
Id = Annotated[str, Meta(min_length=1, max_length=512)]
Name = Annotated[str, Meta(min_length=1, max_length=1_000)]
# Checked where the default is filled in, against the list of markets rather than by its shape.
MarketCode = Annotated[
    str,
    Meta(
        description="ISO 3166-1 alpha-2, upper case; required unless the service has a default market.",
        examples=["SE"],
        extra_json_schema={"enum": sorted(MARKETS)},
    ),
]
At = Annotated[
    str,
    Meta(
        max_length=MAX_TIME,
        description="RFC 3339 or a bare date; no offset is UTC. Left out: now.",
        examples=["2024-05-31T18:00:00Z"],
        extra_json_schema={"pattern": TIME_PATTERN},
    ),
]
# RFC 4647 section 2.1, a basic language range.
LanguageRange = Annotated[
    str,
    Meta(
        pattern=RANGE_PATTERN,
        max_length=MAX_RANGE,
        description=RANGE_RULE,
        examples=["en"],
        extra={"expected": expected_range},
    ),
]
Languages = Annotated[
    tuple[LanguageRange, ...],
    Meta(min_length=1, max_length=100, description="RFC 4647 basic ranges: `en` takes `en-US`. Left out: all."),
]
Kinds = Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=2, description="Left out: both.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many hits to give.")]
Weight = Annotated[float, Meta(ge=-1e6, le=1e6, description="Negative pushes away.")]
Ids = Annotated[tuple[Id, ...], Meta(max_length=MAX_IDS)]
Quota = Annotated[int, Meta(ge=0, le=MAX_LIMIT, description="0: none of this kind.")]
UnknownSeeds = Annotated[
    Literal["error", "skip"],
    Meta(description="What an id that is not in the catalogue does: fail the request, or be told in `skipped`."),
]
Text = Annotated[str, Meta(min_length=1, max_length=2_000, description="What to look for, in plain words.")]


Filter = Annotated[
    dict[str, Any],
    Meta(
        description="What every hit must be, besides what the rules say.",
        examples=[{"field": "kind", "one_of": ["track", "episode"]}],
        extra_json_schema=component("Filter"),
    ),
]
Switches = Annotated[
    dict[str, bool],
    Meta(
        max_length=100,
        description="Switches that the rules declare, on or off.",
        extra_json_schema=component("Switches"),
    ),
]
CursorText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_CURSOR,
        description="`next_cursor` of the page before; all else but `limit` stays as it was.",
    ),
]


class Context(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The circumstances of a request, as far as the rules care."""

    market: MarketCode | None = None
    at: At | None = None
    explicit: Annotated[bool | None, Meta(description="false keeps explicit items out.")] = None
    languages: Languages | None = None
    age: Annotated[
        Annotated[int, Meta(ge=0, le=150)] | None,
        Meta(description="The listener's age in years. Left out: below every `min_age`."),
    ] = None
    blocked_items: Annotated[Ids, Meta(description="Ids that must not come.")] = ()
    blocked_creators: Annotated[
        tuple[Name, ...], Meta(max_length=MAX_IDS, description="Names; one among an item's creators is enough.")
    ] = ()


class Seed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to start from: an item by its `id`, or a `vector` of the space `using` (left out: the release's)."""

    id: Id | None = None
    weight: Weight = 1.0
    vector: Annotated[
        Annotated[tuple[float, ...], Meta(min_length=1, max_length=MAX_DIMS)] | None,
        Meta(description="In place of an id: any length but 0, as many numbers as the space has."),
    ] = None
    using: Annotated[
        Literal["tower", "text"] | None,
        Meta(description="The space of `vector`. Left out: `tower`, or `text` where the release has no model."),
    ] = None

    def __post_init__(self) -> None:
        """ValueError for what is neither or both."""
        if (self.id is None) == (self.vector is None):
            raise ValueError("Expected either an id or a vector")
        if self.using is not None and self.vector is None:
            raise ValueError("Expected using only beside a vector")


class Listen(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An item that was heard, liked (weight above 0) or skipped (below 0)."""

    id: Id
    at: Annotated[At | float | None, Meta(description="RFC 3339, a bare date or epoch seconds.")] = None
    weight: Weight = 1.0


class Mix(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many of each kind in as many hits as they come to together; the others come where one has run dry."""

    track: Quota = 0
    episode: Quota = 0


class Selection(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What every request may say of which items it wants to be shown, and from which release."""

    context: Context = Context()
    kinds: Kinds | None = None
    exclude: Annotated[Ids, Meta(description="Ids that must not come, besides the blocked ones.")] = ()
    filter: Filter | None = None
    switches: Switches = {}
    release: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="Answer from this release; left out: the live one."),
    ] = None


class Paged(Selection, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What is answered page by page."""

    limit: Limit = 10
    cursor: CursorText | None = None
    fields: Fields | None = None


class Query(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What every query may say."""

    score_threshold: Annotated[
        float | None,
        Meta(description="The least score that a hit has, before boosts (docs/api.md, A score at least)."),
    ] = None
    explain: Annotated[bool, Meta(description="true: each hit says why it is where it is.")] = False
    same_recording: Annotated[
        bool, Meta(description="true: one recording (tracks of the same creators and title) may come more than once.")
    ] = False
    mix: Annotated[Mix | None, Meta(description="How many tracks to how many episodes. Left out: as they come.")] = None


class SimilarRequest(Query, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Items near the seeds."""

    seeds: Annotated[tuple[Seed, ...], Meta(min_length=1, max_length=MAX_SEEDS)]
    unknown_seeds: UnknownSeeds = "error"


class RecommendRequest(Query, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Items for a listener: one that the release knows, a posted history, or both."""

    user_id: Id | None = None
    history: Annotated[
        Annotated[tuple[Listen, ...], Meta(max_length=MAX_HISTORY)] | None,
        Meta(
            description="Newest last; where `at` is given, by time, and the older the less. Counts as newer than what "
            "the release knows. `[]`: someone who has heard nothing yet."
        ),
    ] = None
    unknown_seeds: UnknownSeeds = "skip"


class SearchRequest(Query, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Items that match a text."""

    text: Text
    mode: Annotated[
        Literal["hybrid", "semantic", "lexical", "tower"],
        Meta(
            description="By words and meaning; by meaning alone; by words alone, which needs no text encoder; by what "
            "listeners hear together, which needs a model that was trained with text queries."
        ),
    ] = "hybrid"
    seeds: Annotated[
        tuple[Seed, ...],
        Meta(max_length=MAX_SEEDS, description="Items to start from as well; fused with the text by rank."),
    ] = ()
    unknown_seeds: UnknownSeeds = "error"


QueryBody = SimilarRequest | RecommendRequest | SearchRequest
