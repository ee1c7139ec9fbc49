"""The client's errors: what can become of a call that was not answered as asked.

ClientError
├── NoAnswerError              no answer came in time, or nobody could be reached
├── UnexpectedAnswerError      what came is not what the API describes: another version, or another service
└── ProblemError               the service answered with a problem (RFC 9457)
    ├── InvalidRequestError    400, 413, 415, 422: the request is at fault; `errors` names the fields
    ├── ForbiddenError         401, 403: it needs the admin token
    ├── NotFoundError          404, 405: no such item, release, change or address
    ├── ConflictError          409: the release named cannot do that
    ├── GoneError              410: the cursor no longer holds; ask for the first page again
    ├── UnavailableError       408, 429, 502, 503, 504: another time it may do; `retry_after_s` says when
    └── ServiceFailedError     any other: the service is at fault; `incident` is its number in the service's log
"""

import msgspec
from msgspec import Struct

PROBLEM_JSON = "application/problem+json"
_LONGEST_TEXT = 300


class FieldError(Struct, frozen=True):
    """One thing wrong with one field or parameter; `came` is None where nothing came."""

    field: str
    expected: str
    came: str | None = None


class Problem(Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem as the service sends it; docs/api.md lists the types."""

    type: str = "about:blank"
    title: str = ""
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    incident: str | None = None


class ClientError(Exception):
    """Base of everything that the client raises."""


class NoAnswerError(ClientError):
    """Nobody could be reached, or no answer came in time; `__cause__` has what httpx said of the last try."""


class UnexpectedAnswerError(ClientError):
    """The answer is none that the API describes: the service is of another version, or no Nearfield."""


class ProblemError(ClientError):
    """The service answered with a problem. Its members are attributes: `type`, `title`, `status`, `detail`, `errors`,
    `incident`; `retry_after_s` is what the header Retry-After asked for, None where it was not sent."""

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(f"{problem.status} {problem.title}" + (f": {problem.detail}" if problem.detail else ""))
        self.problem = problem
        self.type = problem.type
        self.title = problem.title
        self.status = problem.status
        self.detail = problem.detail
        self.errors = problem.errors
        self.incident = problem.incident
        self.retry_after_s = retry_after_s


class InvalidRequestError(ProblemError):
    """The request is at fault; `errors` names each field, what was expected of it and what came."""


class ForbiddenError(ProblemError):
    """It needs the admin token, or a service that has one."""


class NotFoundError(ProblemError):
    """No such item, release, change or address."""


class ConflictError(ProblemError):
    """The release named cannot do that, or is not held."""


class GoneError(ProblemError):
    """The cursor no longer holds."""


class UnavailableError(ProblemError):
    """The service, or what stands before it, could not answer now."""


class ServiceFailedError(ProblemError):
    """The service is at fault."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    **dict.fromkeys((400, 413, 415, 422), InvalidRequestError),
    **dict.fromkeys((401, 403), ForbiddenError),
    **dict.fromkeys((404, 405), NotFoundError),
    409: ConflictError,
    410: GoneError,
    **dict.fromkeys((408, 429, 502, 503, 504), UnavailableError),
}


def problem_of(status: int, media_type: str, body: bytes) -> Problem:
    """The problem of an answer of this status, 400 or more; one without members where a proxy answered in its own
    words, which are then the detail."""
    if media_type.partition(";")[0].strip() == PROBLEM_JSON:
        try:
            return msgspec.json.decode(body, type=Problem)
        except msgspec.DecodeError:
            pass
    text = body[: 4 * _LONGEST_TEXT].decode("utf-8", errors="replace").strip()
    return Problem(status=status, title="The answer is no problem of Nearfield's", detail=text[:_LONGEST_TEXT])


def error_of(problem: Problem, retry_after_s: float | None) -> ProblemError:
    """The error to raise for a problem."""
    return _BY_STATUS.get(problem.status, ServiceFailedError)(problem, retry_after_s)
