"""A route as the client knows it, and one call of it: what is sent, and what its answer means."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from nearfield.client.errors import UnexpectedAnswerError

T = TypeVar("T")
_OK = frozenset({200})


class Route(Struct, Generic[T], frozen=True, kw_only=True):
    """One operation of the API; held against the OpenAPI document by tests/nearfield/client/test_openapi.py.

    `name`: of the method of both clients. `parameters`, `body`: TypedDicts of what it takes. `repeatable`: whether
    doing it twice, with others' changes between, is as good as once. `statuses`: those with an `answer`.
    `as_json`: parameters that are written as JSON, other lists with commas.
    """

    name: str
    method: str
    path: str
    answer: type[T]
    parameters: Any = None
    body: Any = None
    repeatable: bool = True
    statuses: frozenset[int] = _OK
    as_json: frozenset[str] = frozenset()

    def call(
        self, ids: Mapping[str, str] | None = None, parameters: Mapping[str, Any] | None = None, body: Any = None
    ) -> "Call[T]":
        """A call; `ids`: what its path names. ValueError for an empty one, which would make another address of it."""
        for name, text in (ids or {}).items():
            if text in ("", ".", ".."):
                raise ValueError(f"{name}: expected an id, came {text!r}")
        path = self.path.format(**{name: quote(text, safe="") for name, text in (ids or {}).items()})
        given = {
            name: msgspec.json.encode(value).decode() if name in self.as_json else _as_text(value)
            for name, value in (parameters or {}).items()
            if value is not None
        }
        content = None if body is None else msgspec.json.encode(body, enc_hook=_as_list)
        return Call(self, path, given, content)


class Call(Struct, Generic[T], frozen=True):
    """One call of a route: its `path` below the service's address, percent-encoded; `parameters`; the JSON body."""

    route: Route[T]
    path: str
    parameters: dict[str, str]
    body: bytes | None

    def answer(self, status: int, body: bytes) -> T:
        """The answer; UnexpectedAnswerError where this is none that the route gives."""
        if status not in self.route.statuses:
            raise UnexpectedAnswerError(
                f"{self}: expected an answer with status {_listed(self.route.statuses)}, came {status}. Is base_url "
                "the address of a Nearfield service, without a redirection?"
            )
        decoder: msgspec.json.Decoder[T] = _decoder(cast("Any", self.route.answer))
        try:
            return decoder.decode(body)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswerError(
                f"{self}: the answer is no {self.route.answer.__name__} ({error}). Is base_url the address of a "
                "Nearfield service, of the version that this client is of?"
            ) from error

    def __str__(self) -> str:
        return f"{self.route.method} {self.path}"


@cache
def _decoder(answer: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answer)


def _listed(statuses: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        # As bodies have it; a time without an offset is UTC.
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)


def _as_list(value: Any) -> Any:
    # An array of numpy's, or a number of its own, without loading numpy.
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"expected what JSON can say, came {value!r}, which is a {type(value).__name__}")
