"""What a worker runs, and what it lets clients do."""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct
from msgspec.structs import replace


class ClientLimits(Struct, frozen=True, kw_only=True):
    """How slow clients may be.

    `body_timeout_s`: within which a body must end, or bring at least so much as `service.workers.late_bodies` says.
    `max_late_bodies`: of one client. `trusted_proxies`: addresses and networks whose `X-Forwarded-For` is believed.
    """

    body_timeout_s: float = 10.0
    max_late_bodies: int = 32
    trusted_proxies: tuple[str, ...] = ()


class Program(Struct, frozen=True, kw_only=True):
    """`factory` names the maker of the application as `module:name`; `environ`: variables that it finds."""

    factory: str
    environ: Mapping[str, str]
    limits: ClientLimits = ClientLimits()

    def beside(self, environ: Mapping[str, str]) -> Self:
        """The same, with more variables."""
        return replace(self, environ={**self.environ, **environ})
