"""What both clients are made with: the service's address, the token, how long and how often a call is tried."""

from typing import Any
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from nearfield.client.retries import Retries
from nearfield.client.route import Call

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_TIMEOUT_S = 10.0


class Connection(Struct, frozen=True, kw_only=True):
    """To one service. ValueError for a `base_url` that is no address, or a time-out that is none."""

    base_url: str
    token: str | None
    timeout_s: float
    retries: Retries

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"base_url: expected an address such as {DEFAULT_URL}, came {self.base_url!r}")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s: expected seconds above 0, came {self.timeout_s}")

    def request(self, call: Call[Any], timeout_s: float) -> httpx.Request:
        """The request of one try of a call; `timeout_s` bounds each of its steps."""
        headers = {"accept": "application/json", "user-agent": "nearfield-python"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if call.body is not None:
            headers["content-type"] = "application/json"
        return httpx.Request(
            call.route.method,
            self.base_url.rstrip("/") + call.path,
            params=call.parameters or None,
            headers=headers,
            content=call.body,
            extensions={"timeout": httpx.Timeout(timeout_s).as_dict()},
        )
