"""All settings: the file `nearfield.toml`, overridden by `NEARFIELD_*`, overridden by flags."""

from typing import Annotated

from msgspec import Meta

from indexing.settings import IndexingSettings

# Without the port that goes without saying, which no browser sends.
_ORIGIN = r"^(\*|(?!http://.*:80$|https://.*:443$)[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]-]+)$(?!\n)"


class Settings(IndexingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting of Nearfield; docs/settings.md has a line for each."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    default_market: Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")] | None = None
    default_explicit: bool = True
    encoder_wait_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    # Of the text encoder and of linear algebra in each worker; two that share a core wait for one another, busily.
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    # How slow clients may be with their bodies, how many late ones each may have, and who speaks for many clients.
    body_timeout_s: Annotated[float, Meta(ge=0.1, le=600)] = 10.0
    max_late_bodies: Annotated[int, Meta(ge=1, le=10_000)] = 32
    trusted_proxies: tuple[str, ...] = ()
    cursor_ttl_s: Annotated[int, Meta(ge=1, le=86_400)] = 900
    open_queries: bool = False
    admin_token: str | None = None
    # Where a proxy has the service below a path of its own, which it takes off: that path.
    root_path: Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~-]+)+$(?!\n)")] | None = None
    # Origins whose pages may call the service from a browser, as browsers write them; `*` is every one.
    cors_origins: tuple[Annotated[str, Meta(pattern=_ORIGIN)], ...] = ()
