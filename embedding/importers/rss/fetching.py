"""Documents fetched over HTTP, politely: only what is new, within bounds of time and size, from no local address."""

import re
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Literal, NamedTuple, Self

import httpx

from embedding.importers.rss.addresses import RefusedAddressError, resolved

# Feeds of thousands of episodes have tens of megabytes.
MAX_BYTES = 64 * 2**20
MAX_REDIRECTS = 5
# From the first redirect to the last byte.
TOTAL_S = 120.0
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_MOVED = {301, 308}
_REDIRECTS = _MOVED | {302, 303, 307}
# A host that is overloaded, or asks to be asked later.
_LATER = {408, 425, 429}


class Validators(NamedTuple):
    """What a host told of a document when it was fetched last, to ask whether it is still the same."""

    etag: str | None = None
    last_modified: str | None = None


NOTHING_KNOWN = Validators()


class Fetched(NamedTuple):
    """An answer: `unchanged` and `gone` (410) have no body; `moved_to`: where to ask from now on."""

    state: Literal["new", "unchanged", "gone"]
    body: bytes = b""
    validators: Validators = NOTHING_KNOWN
    moved_to: str | None = None


_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")


class FetchError(Exception):
    """Why a document did not come, without the passwords of addresses; `lasting` where asking again would change
    nothing."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(_USER_INFO.sub("", message))
        self.lasting = lasting


class Fetcher:
    """Asks for documents; a context manager, which threads may share.

    Proxies of the environment are not used: behind one, nobody could look at what an address leads to.
    """

    def __init__(self, *, allow_local: bool = False, max_bytes: int = MAX_BYTES, total_s: float = TOTAL_S) -> None:
        self._allow_local, self._max_bytes, self._total_s = allow_local, max_bytes, total_s
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            trust_env=False,
            headers={"User-Agent": "nearfield", "Accept-Encoding": "gzip, deflate"},
            # The pool knows a connection by its IP address, and so would take that of one host for another's.
            limits=httpx.Limits(max_keepalive_connections=0),
            # So would the cookies.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def fetch(self, address: str, known: Validators = NOTHING_KNOWN) -> Fetched:
        """The document at `address`, or that it is as it was when `known` was told. Raises FetchError."""
        until = time.monotonic() + self._total_s
        moved_to, moving = None, True
        try:
            url = httpx.URL(address)
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._ask(url, known, until)
                if not isinstance(answer, _Redirect):
                    return answer._replace(moved_to=moved_to)
                url = url.join(answer.target)
                # What comes after a move for a while is for a while too.
                moving = moving and answer.status in _MOVED
                moved_to = str(url) if moving else moved_to
        except (RefusedAddressError, httpx.InvalidURL) as error:
            raise FetchError(f"{address}: {error}", lasting=True) from None
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            raise FetchError(f"{address} did not answer: {str(error) or type(error).__name__}") from None
        raise FetchError(f"{address}: expected at most {MAX_REDIRECTS} redirects, came more, at last to {url}")

    def _ask(self, url: httpx.URL, known: Validators, until: float) -> "Fetched | _Redirect":
        addresses = resolved(url, allow_local=self._allow_local)
        for address in addresses[:-1]:
            try:
                return self._ask_at(address, url, known, until)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._ask_at(addresses[-1], url, known, until)

    def _ask_at(self, address: str, url: httpx.URL, known: Validators, until: float) -> "Fetched | _Redirect":
        headers = {"Host": url.netloc.decode("ascii")}
        if known.etag:
            headers["If-None-Match"] = known.etag
        if known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        # The certificate must be that of the host, whatever is connected to.
        extensions = {"sni_hostname": url.raw_host.decode("ascii")}
        asked = url.copy_with(host=address)
        with self._client.stream("GET", asked, headers=headers, extensions=extensions) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return _Redirect(response.status_code, response.headers["location"])
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Fetched("unchanged", validators=known)
            if response.status_code == httpx.codes.GONE:
                return Fetched("gone")
            if response.status_code != httpx.codes.OK:
                lasting = response.is_client_error and response.status_code not in _LATER
                raise FetchError(f"{url}: expected the answer 200, came {response.status_code}", lasting=lasting)
            told = (response.headers.get(name) for name in ("etag", "last-modified"))
            validators = Validators(*(value if value and value.isascii() else None for value in told))
            return Fetched("new", self._body(url, response, until), validators)

    def _body(self, url: httpx.URL, response: httpx.Response, until: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > self._max_bytes:
                raise FetchError(f"{url}: expected at most {self._max_bytes:,} bytes, came more", lasting=True)
            if time.monotonic() > until:
                raise FetchError(f"{url}: expected an end within {self._total_s:g} s, came {len(body):,} bytes")
        return bytes(body)


class _Redirect(NamedTuple):
    status: int
    target: str
