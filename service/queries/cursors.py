"""Cursors: what `next_cursor` holds, how it is signed and checked, when it has expired."""

import base64
import time
from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.arranging.arranger import ShownBefore
from service.browsing.listing import Position
from service.schemas.problems import ProblemError
from service.schemas.requests import Paged

MAX_DEPTH = 1_000
"""Hits that can be turned to, over all pages of one list."""
_MAC_BYTES = 16
_encoder = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended: under which release, rules and request, as of when (`at_s`), and what was `shown` so far.

    `shown` are row numbers of the release (int32), in the order in which they were shown, and `marks` (int64) of those
    among them that are negative (service/queries/shown_marks.py). Of a listing, which may be deeper than what a cursor
    can hold, `position` says where its last row stands.
    """

    release: str
    rules: str
    request: bytes
    at_s: int
    given_s: int
    pool_depth: int
    shown: bytes
    marks: bytes = b""
    position: Position | None = None

    @property
    def shown_before(self) -> ShownBefore:
        """What arrangement goes on from."""
        return ShownBefore(tuple(array("i", self.shown)), self.pool_depth)

    @property
    def shown_marks(self) -> Sequence[int]:
        """Of the rows among those shown that are negative, first to last."""
        return array("q", self.marks)


_decoder = msgspec.msgpack.Decoder(Cursor)


class Cursors:
    """Gives and takes cursors; `key` is the same in every process that may be asked for a next page."""

    def __init__(self, key: bytes, ttl_s: int, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970, the same for all who know the key."""
        self._key = key
        self._ttl_s = ttl_s
        self._now = now

    def give(
        self,
        query: Paged,
        *,
        release: str,
        rules: str,
        at_s: int,
        shown_before: ShownBefore,
        marks: Sequence[int] = (),
        position: Position | None = None,
    ) -> str:
        """The cursor for the page after those shown; `marks` of rows that are negative."""
        shown, marked = array("i", shown_before.rows).tobytes(), array("q", marks).tobytes()
        now_s = int(self._now())
        depth = shown_before.pool_depth
        cursor = Cursor(release, rules, _request(query), at_s, now_s, depth, shown, marked, position)
        said = _encoder.encode(cursor)
        return base64.urlsafe_b64encode(self._mac(said) + said).rstrip(b"=").decode()

    def take(self, token: str) -> Cursor:
        """The cursor as it was given; a 400 problem for one that was not given here, a 410 problem for an old one."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            # Several spellings can stand for the same bytes: only the one that was given counts.
            is_ours = base64.urlsafe_b64encode(data).rstrip(b"=").decode() == token
        except ValueError:
            is_ours, data = False, b""
        mac, said = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not (is_ours and compare_digest(mac, self._mac(said))):
            raise ProblemError(
                "cursor-mismatch",
                "cursor: expected a `next_cursor` exactly as this service gave it, came another text. "
                "Send it unchanged, or leave it out to begin with the first page.",
            )
        cursor = _decoder.decode(said)
        if self._now() >= cursor.given_s + self._ttl_s:
            raise expired(f"it was given more than {self._ttl_s} s ago (the setting cursor_ttl_s)")
        return cursor

    def _mac(self, said: bytes) -> bytes:
        # BLAKE2 is a MAC by itself (RFC 7693, 2.5), and an eighth of the work of HMAC by way of OpenSSL on a page.
        return blake2b(said, key=self._key, digest_size=_MAC_BYTES).digest()


def check_request(cursor: Cursor, query: Paged) -> None:
    """A 400 problem where the cursor was given for another request."""
    if cursor.request != _request(query):
        raise ProblemError(
            "cursor-mismatch",
            "cursor: expected the request that it was given for, with no other difference than `limit` and `cursor`; "
            "something else differs. Send the same body, or leave `cursor` out to begin with the first page.",
        )


def expired(why: str) -> ProblemError:
    """A 410 problem."""
    return ProblemError("cursor-expired", f"The cursor no longer holds: {why}. Begin again with the first page.")


def _request(query: Paged) -> bytes:
    """A hash of everything a request says but for `limit` and `cursor`."""
    same: Paged = replace(query, limit=1, cursor=None)
    return blake2b(type(query).__name__.encode() + _json.encode(same), digest_size=8).digest()
