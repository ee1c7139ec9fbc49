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
    likeness: float


class Explanation(Struct, frozen=True):
    """Why a hit is where it is: its score in parts, whether each rule passes it, the plan by which it was found."""

    score: ScoreParts
    rules: dict[str, bool]
    plan: str
    nearest_seed: NearSeed | None = None


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


class Changed(Struct, frozen=True, kw_only=True):
    """A change that is kept; it holds everywhere but in the workers of `waiting_for` (`change(number)` asks again)."""

    release: str
    revision: int
    items: int
    number: int
    waiting_for: tuple[str, ...] = ()


class Hidden(Struct, frozen=True, kw_only=True):
    """Whether an id is taken down now, and whether the live release knows it; the rest as in Changed."""

    id: str
    taken_down: bool
    known: bool
    release: str
    revision: int
    number: int
    waiting_for: tuple[str, ...] = ()


class Takedown(Struct, frozen=True, kw_only=True):
    """An id that is taken down: when, by whom, why, and which release was live then; None for what was not said."""

    id: str
    at: str
    by: str | None = None
    why: str | None = None
    since_release: str | None = None
    number: int


class TakedownList(Struct, frozen=True):
    """What is taken down, oldest first."""

    takedowns: tuple[Takedown, ...]
    next_cursor: str | None = None


class RulesAccepted(Struct, frozen=True, kw_only=True):
    """Rules that are in force; the rest as in Changed."""

    version: str
    number: int
    waiting_for: tuple[str, ...] = ()


class Everywhere(Struct, frozen=True):
    """Whether a change holds in every worker that may answer, or which it waits for."""

    number: int
    everywhere: bool
    waiting_for: tuple[str, ...]


class Counts(Struct, frozen=True, kw_only=True):
    """What went into a release and what was turned away."""

    points: int
    tracks: int
    episodes: int
    passages: int
    users: int
    interactions: int
    rejected_rows: int
    rejected_interactions: int


class GateReport(Struct, frozen=True, kw_only=True):
    """What was checked before a release could go live."""

    points_in_store: int
    canaries: int
    canary_recall: float
    forced: tuple[str, ...] = ()


class Release(Struct, frozen=True, kw_only=True):
    """The manifest of a release; hashes are SHA-256 in hex."""

    format: int
    id: str
    created_at: str
    content: str
    files: str
    space: str
    dims: dict[str, int]
    encoder_hash: str | None
    encoder: str | None = None
    words_hash: str
    names_version: str | None = None
    model_hash: str | None
    input_fields: tuple[str, ...]
    crossing: tuple[tuple[str, str], ...]
    extra_fields: tuple[str, ...]
    rules_version: str
    counts: Counts
    gate: GateReport
    lineage: tuple[str, ...]
    journal_seq: int


class ReleaseList(Struct, frozen=True):
    """All finished releases, oldest first, and the live one."""

    live: str
    releases: tuple[Release, ...]


class Activated(Struct, frozen=True):
    """The release that is live; the workers take it up within seconds."""

    live: str


class Live(Struct, frozen=True):
    """The process runs."""

    status: str


class Ready(Struct, frozen=True, kw_only=True):
    """Whether the service can answer (`status` is "ready"), and from what; `reason` says why not."""

    status: str
    release: str
    rules_version: str
    encoder: str
    space: str
    counts: Counts
    leaks: int
    held: tuple[str, ...]
    unmeasured_shapes: int
    engine: str
    engine_reason: str | None = None
    reason: str | None = None
    encoder_reason: str | None = None
    live_release: str | None = None
    hand_over_refused: str | None = None
    rules_refused: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether queries are answered."""
        return self.status == "ready"
