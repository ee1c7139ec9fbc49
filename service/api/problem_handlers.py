"""Exception handlers: which problem an exception becomes; details are logged, not told to clients."""

import logging
import secrets
from typing import Any

from litestar.connection import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Response
from litestar.types import ExceptionHandlersMap

from indexing.errors import EngineAwayError, KeyRefusedError, StateError, StoreError
from service.api.head_requests import with_head
from service.schemas.problems import FieldError, Problem, ProblemError, Slug, invalid_fields
from service.schemas.validation import explain, shown

_log = logging.getLogger("nearfield.service")

_BY_STATUS: dict[int, Slug] = {404: "unknown-route", 405: "method-not-allowed", 413: "body-too-large"}
# A store that restarts is back within seconds; asking sooner only adds to its load.
_STORE_RETRY_S = 5


def answer_problem(_request: Request[Any, Any, Any], error: ProblemError) -> Response[Problem]:
    """A problem that was raised as such."""
    return error.response()


def answer_invalid_parameter(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """A path or query parameter of a wrong type or beyond its limits."""
    extra = error.extra if isinstance(error.extra, list) else []
    errors = tuple(
        FieldError(
            str(entry.get("key", "request")), _expected(str(entry["message"])), _came(request, str(entry.get("key")))
        )
        for entry in extra
    )
    return invalid_fields(errors or (FieldError("request", error.detail),)).response()


def _expected(message: str) -> str:
    return explain(message)[0]


def _came(request: Request[Any, Any, Any], name: str) -> str | None:
    came = request.query_params.get(name)
    return None if came is None else shown(came)


def answer_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refuses: no such route, method or host, a body beyond the limit."""
    if error.status_code >= 500:
        return answer_failure(request, error)
    came = f"{request.scope['method']} {request.scope['path']}"
    page = f"{request.scope['root_path']}/schema"
    headers = dict(error.headers or {})
    if error.status_code == 404:
        detail = (
            f"{came} is no address of this service; {page} lists them. "
            "In an item's id, write / as %2F, ? as %3F and % as %25."
        )
    elif error.status_code == 405:
        if "allow" in headers:
            headers["allow"] = with_head(headers["allow"])
        detail = f"{came}: this address takes {headers.get('allow', 'other methods')}; see {page}."
    else:
        detail = f"{came}: {error.detail}."
    slug = _BY_STATUS.get(error.status_code, "invalid-request")
    return ProblemError(slug, detail, headers=headers).response()


def answer_failure(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """An engine that could not be reached, or anything that should not have happened."""
    return problem_of(request, error).response()


def problem_of(request: Request[Any, Any, Any], error: Exception) -> ProblemError:
    """What `error` is for a client; what is a fault, of the service or of the engine, is logged as an incident."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, EngineAwayError):
        # The log says when it went and when it came back; a line a request would hide both.
        return ProblemError(
            "store-unavailable",
            "The vector store does not answer, and this cannot be answered without it in time. Try again; "
            "/health/ready says whether it is back, and the log since when it is away.",
            headers={"Retry-After": str(_STORE_RETRY_S)},
        )
    if isinstance(error, KeyRefusedError):
        return ProblemError(
            "store-read-only",
            "The vector store refuses this change: the key in the setting qdrant_api_key may only read. Make the "
            "change on a host whose key may write, or give this one such a key and start it again.",
        )
    if isinstance(error, StateError):
        # Told once by whoever keeps up with the state; here for the client.
        told = f"{str(error).removesuffix('.')}. Try again."
        return ProblemError("state-unavailable", told, headers={"Retry-After": str(_STORE_RETRY_S)})
    incident = _log_incident(request, error)
    if isinstance(error, StoreError):
        return ProblemError(
            "store-unavailable",
            f"The vector store could not answer. Try again; if it stays, look for incident {incident} in the log.",
            headers={"Retry-After": str(_STORE_RETRY_S)},
            incident=incident,
        )
    return ProblemError(
        "internal-error",
        f"This is a fault of the service, not of the request. Look for incident {incident} in the log.",
        incident=incident,
    )


def _log_incident(request: Request[Any, Any, Any], error: Exception) -> str:
    incident = secrets.token_hex(6)
    _log.error("incident %s: %s %s failed", incident, request.scope["method"], request.scope["path"], exc_info=error)
    return incident


PROBLEM_HANDLERS: ExceptionHandlersMap = {
    ProblemError: answer_problem,
    ValidationException: answer_invalid_parameter,
    HTTPException: answer_http_exception,
    Exception: answer_failure,
}
