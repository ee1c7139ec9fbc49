"""Answers to those who run the service: what became of a change, releases, health. As nearfield/client/answers.py."""

from msgspec import Struct


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
