"""What a refusal of the Qdrant client becomes: a StoreError in the client's own words."""

from collections.abc import Awaitable
from typing import TypeVar

from grpc import RpcError, StatusCode  # type: ignore[import-untyped]
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from indexing.errors import CollectionMissingError, StoreError

_REFUSALS = (ValueError, ApiException, QdrantException, RpcError)
T = TypeVar("T")


async def ask(call: Awaitable[T], doing: str) -> T:
    """The answer to a call of the client; StoreError, in the client's own words, when there is none."""
    try:
        return await call
    except _REFUSALS as error:
        kind = CollectionMissingError if _is_missing(error) else StoreError
        raise kind(f"could not {doing}: {_words(error)}") from error


def _is_missing(error: Exception) -> bool:
    if isinstance(error, RpcError):
        return bool(error.code() == StatusCode.NOT_FOUND)
    if isinstance(error, UnexpectedResponse):
        return error.status_code == 404
    # Memory mode has no codes.
    return isinstance(error, ValueError) and "not found" in str(error)


def _words(error: Exception) -> str:
    return f"{error.code().name}: {error.details()}" if isinstance(error, RpcError) else str(error)
