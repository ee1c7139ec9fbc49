"""What a refusal of the Qdrant client becomes: a StoreError in the client's own words."""

from collections.abc import Awaitable
from typing import TypeVar

from grpc import RpcError, StatusCode  # type: ignore[import-untyped]
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from indexing.errors import CollectionMissingError, EngineAwayError, KeyRefusedError, StoreError

REFUSALS = (ValueError, ApiException, QdrantException, RpcError)
"""What the client raises where there is no answer."""
# INTERNAL is how a node says that no copy of a shard can be asked, that too few copies took a write, or that no leader
# took a change of collections.
_AWAY = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.INTERNAL,
        StatusCode.ABORTED,
        StatusCode.CANCELLED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.UNKNOWN,
    }
)
_KEY_REFUSED = frozenset({StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED})
_UNAUTHORISED, _FORBIDDEN, _MISSING, _TOO_MANY_REQUESTS, _FIRST_SERVER_ERROR = 401, 403, 404, 429, 500
T = TypeVar("T")


async def ask(call: Awaitable[T], doing: str) -> T:
    """The answer to a call of the client; StoreError, in the client's own words, when there is none."""
    try:
        return await call
    except REFUSALS as error:
        raise store_error(error, doing) from error


def store_error(error: Exception, doing: str) -> StoreError:
    """What a refusal of the client, one of `REFUSALS`, means for what was being done."""
    told = f"could not {doing}: {words_of(error)}"
    if _is_missing(error):
        return CollectionMissingError(told)
    if _is_of_the_key(error):
        return KeyRefusedError(
            f"{told}. The server does not allow this with the key in the setting qdrant_api_key: give one that may "
            "read and write, or, where this host is only to answer, make the change on another one"
        )
    return EngineAwayError(told) if _is_away(error) else StoreError(told)


def is_gone(error: Exception) -> bool:
    """Whether nothing listens there, so that the next call will have no answer either."""
    if isinstance(error, RpcError):
        return bool(error.code() == StatusCode.UNAVAILABLE)
    return isinstance(error, ResponseHandlingException)


def words_of(error: Exception) -> str:
    """The client's own words."""
    return f"{error.code().name}: {error.details()}" if isinstance(error, RpcError) else str(error)


def _is_missing(error: Exception) -> bool:
    if isinstance(error, RpcError):
        return bool(error.code() == StatusCode.NOT_FOUND)
    if isinstance(error, UnexpectedResponse):
        return error.status_code == _MISSING
    # Memory mode has no codes.
    return isinstance(error, ValueError) and "not found" in str(error)


def _is_of_the_key(error: Exception) -> bool:
    if isinstance(error, RpcError):
        return error.code() in _KEY_REFUSED
    return isinstance(error, UnexpectedResponse) and error.status_code in (_UNAUTHORISED, _FORBIDDEN)


def _is_away(error: Exception) -> bool:
    if isinstance(error, RpcError):
        return error.code() in _AWAY
    if isinstance(error, UnexpectedResponse):
        status = error.status_code or 0
        return status == _TOO_MANY_REQUESTS or status >= _FIRST_SERVER_ERROR
    return isinstance(error, ResponseHandlingException | ResourceExhaustedResponse)
