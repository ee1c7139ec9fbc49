"""The circumstances of a request that rules read; every query route builds exactly this."""

from msgspec import Struct

from indexing.filters.algebra import Filter


class RequestContext(Struct, frozen=True):
    """Who asks, where and when, as far as rules care. Hashable: what is compiled for it is cached by it.

    `at_s` is epoch seconds; `languages` are ranges as posted, None means all; `age` None counts as below every
    `min_age`; `kinds` None means both; blocked creators are in `name_key` form; `filter` is what the request itself
    asks of an item; `switches` are those of a rule's switches that it set otherwise than the rules do, as far as they
    change which items may be shown (RuleSet.hard_switches).
    """

    market: str
    at_s: int
    explicit: bool = True
    languages: frozenset[str] | None = None
    age: int | None = None
    kinds: frozenset[str] | None = None
    blocked_creators: frozenset[str] = frozenset()
    filter: Filter | None = None
    switches: frozenset[tuple[str, bool]] = frozenset()
