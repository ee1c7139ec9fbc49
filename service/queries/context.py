"""The context that rules are compiled for: the posted one with the settings' defaults filled in."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from embedding.rows.markets import MARKETS, meant_market
from embedding.rows.names import name_key
from embedding.rows.schema import Kind
from embedding.rows.times import EXPECTED_TIME, epoch_us
from indexing.rules.context import RequestContext
from service.schemas.problems import invalid
from service.schemas.requests import Context
from service.schemas.validation import shown


class ContextDefaults(Struct, frozen=True):
    """What holds where a request does not say; without a market, each request must name one."""

    market: str | None
    explicit: bool
    # Seconds since 1970, the same for all hosts.
    now: Callable[[], float] = time.time

    def complete(self, posted: Context, kinds: Sequence[Kind] | None, field: str = "context.") -> RequestContext:
        """The context that rules are compiled for; `field` is where its fields stand in the request.

        Raises a 400 problem for a market that is missing or not one, and for a time that is not one.
        """
        market = self.market if posted.market is None else posted.market
        if market is None:
            raise invalid(f"{field}market", "a market such as SE: this service has no default market")
        if market not in MARKETS:
            meant = meant_market(market)
            hint = f" (did you mean {meant}?)" if meant else ""
            raise invalid(f"{field}market", f"one ISO 3166-1 alpha-2 code in upper case{hint}", shown(market))
        return RequestContext(
            market=market,
            # Windows are whole seconds, rounded inward: a second later or earlier opens none.
            at_s=int(self.now()) if posted.at is None else posted_us(posted.at, f"{field}at") // 1_000_000,
            explicit=self.explicit if posted.explicit is None else posted.explicit,
            languages=None if posted.languages is None else frozenset(posted.languages),
            age=posted.age,
            kinds=None if kinds is None else frozenset(kinds),
            blocked_creators=frozenset(map(name_key, posted.blocked_creators)) if posted.blocked_creators else _NONE,
        )


_NONE: frozenset[str] = frozenset()


def posted_us(text: str, field: str) -> int:
    """Microseconds since 1970 of a posted time; a 400 problem naming `field` for anything else."""
    try:
        return epoch_us(text)
    except ValueError as error:
        raise invalid(field, EXPECTED_TIME, shown(text)) from error
