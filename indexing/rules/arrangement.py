"""What the arrangement rules say for one request, its switches applied."""

from msgspec import Struct


class Arrangement(Struct, frozen=True, kw_only=True):
    """How what passed the hard rules is put in order and thinned out; the defaults are those of the packaged rules.

    `max_per_creator`, `max_per_tag`: hits of one list that may share a creator (any of an item's creators counts)
    or a tag; None is no cap.
    `diversity`: 1 - lambda of maximal marginal relevance (Carbonell & Goldstein 1998, SIGIR, section 2); 0 is off.
    `freshness`: what a score gains, times 2 ** (-age_days / freshness_half_life_days).
    `popularity`: what a score gains, times the item's popularity (0 to 1); negative damps.
    `own_language`: what a score gains in the listener's language, the first range of the request's `languages`; None
    where it names none. Negative damps.
    `same_recording`: whether one recording may come more than once.
    `exclude_seen`: whether what a known user has heard is left out.
    """

    max_per_creator: int | None = None
    max_per_tag: int | None = None
    diversity: float = 0.0
    freshness: float = 0.0
    freshness_half_life_days: float = 30.0
    popularity: float = 0.0
    own_language: float = 0.0
    listener_language: str | None = None
    same_recording: bool = False
    exclude_seen: bool = True
