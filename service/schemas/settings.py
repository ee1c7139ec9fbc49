"""All settings: the file `nearfield.toml`, overridden by `NEARFIELD_*`, overridden by flags."""

from typing import Annotated

from msgspec import Meta

from indexing.settings import IndexingSettings


class Settings(IndexingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting of Nearfield; docs/settings.md has a line for each."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    default_market: Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")] | None = None
    default_explicit: bool = True
    encoder_wait_s: Annotated[float, Meta(ge=0, le=600)] = 30.0
    cursor_ttl_s: Annotated[int, Meta(ge=1, le=86_400)] = 900
    open_queries: bool = False
    admin_token: str | None = None
