"""Answers: hits in the order to be shown, their explanations, and the JSON that they become."""

from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec
from litestar.response import Response
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send
from msgspec import UNSET, Struct

from indexing.payload.payload import Payload
from indexing.stores.answer_budget import Lacking
from service.schemas.row_fields import RowFields, explicit_flag, moment

T = TypeVar("T")

# `popular`, `fresh`: nothing is known of the listener; `filled`: the mix wanted the other kind, which has run dry.
Source = Literal["popular", "fresh", "filled"]

# By what a hit was scored: the towers' vectors, those of texts, words (BM25), or texts and words together.
Space = Literal["tower", "text", "bm25", "text+bm25"]

_encoder = msgspec.json.Encoder()


class NearSeed(Struct, frozen=True):
    """The seed, or listen, that a hit is most like."""

    id: str
    similarity: float


class ScoreParts(Struct, frozen=True):
    """What a hit's place comes of: `score` is the sum of all but the last; where hits are to be unlike, the next one is
    the hit of the greatest (1 - diversity) * score + likeness."""

    similarity: float
    freshness: float
    popularity: float
    own_language: float
    likeness: float


class HybridParts(Struct, frozen=True):
    """What `similarity` is made of where words and meaning are searched together: with j = `meaning` + 8 `words` it is
    .5 + .5 j / (10 + |j|) + `called` (docs/relevance.md)."""

    meaning: float
    words: float
    called: int


class Explanation(Struct, frozen=True, omit_defaults=True):
    """Why a hit is where it is; `plan` is how the engine or the columns were searched."""

    score: ScoreParts
    rules: dict[str, bool]
    plan: str
    nearest_seed: NearSeed | None = None
    hybrid: HybridParts | None = None


class Passage(Struct, frozen=True):
    """A part of an item's `text`: characters `start` to before `end`."""

    start: int
    end: int


class Hit(RowFields, frozen=True, omit_defaults=True):
    """One item of an answer; `score` is the dot product of unit vectors (of a popular or fresh one, how popular or
    fresh it is; of a search what docs/api.md says), `explicit` null where not known.

    `passage`: of a search by meaning, the part of the item's text that is nearer to the query than the item as a whole.
    """

    id: str
    score: float
    # Left out where by none: of ranks fused, and of what is popular or fresh.
    space: Space | None = None
    # Only where the answer fell back: what this one is from.
    source: Source | None = None
    # Only where the request asked for it.
    explain: Explanation | None = None
    passage: Passage | None = None


class Answer(Struct, frozen=True, omit_defaults=True):
    """Hits in the order to be shown; `short_reason` says why there are fewer than were asked for.

    `next_cursor` is left out where there is no next page.
    """

    # At run time the JSON of them all (service/schemas/shown_rows.py).
    hits: Sequence[Hit]
    release: str
    revision: int
    next_cursor: str | None = None
    short_reason: str | None = None
    # Seeds or listens that are not in the catalogue and were passed over, as `unknown_seeds` allows.
    skipped: tuple[str, ...] = ()
    # What the answer was made without: `engine`, found by a scan of the release's own columns, under the same rules.
    degraded: tuple[Lacking, ...] = ()


def hit_of(payload: Payload, score: float) -> Hit:
    """The hit for a point with this payload, with the fields that come unless others are named."""
    return Hit(
        payload.id,
        score,
        kind=payload.kind,
        title=payload.title,
        creator=payload.creator,
        creators=payload.creators,
        explicit=explicit_flag(payload.explicit),
        album=UNSET if payload.album is None else payload.album,
        duration_s=UNSET if payload.duration_s is None else payload.duration_s,
        language=UNSET if payload.language is None else payload.language,
        published_at=UNSET if (published_at := moment(payload.published_us)) is None else published_at,
    )


class JsonAnswer(Response[T], Generic[T]):
    """JSON without the general response's merging of headers, cookies and encoders.

    That costs 10 us a request (docs/log.md), a tenth of what the service may add to the engine's own time.
    """

    __slots__ = ("body", "status")

    def __init__(self, content: T, status: int = 200) -> None:
        self.body = _encoder.encode(content)
        self.status = status

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """This object: it is its own ASGI application."""
        return self

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": self.status,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))],
        }
        body: HTTPResponseBodyEvent = {"type": "http.response.body", "body": self.body, "more_body": False}
        await send(start)
        await send(body)
