"""Nearfield for Python programs: a client of the service, and models and releases for notebooks.

`Client` and `AsyncClient` ask a running service (docs/client.md); `open` reads models and releases on this machine
(docs/notebook.md). What is named here is loaded when it is first used: `import nearfield` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedding.errors import NearfieldError
    from nearfield.client.async_client import AsyncClient
    from nearfield.client.client import Client
    from nearfield.client.errors import (
        ClientError,
        ConflictError,
        ForbiddenError,
        GoneError,
        InvalidRequestError,
        NoAnswerError,
        NotFoundError,
        ProblemError,
        ServiceFailedError,
        UnavailableError,
        UnexpectedAnswerError,
    )
    from nearfield.client.retries import NO_RETRIES, Retries
    from nearfield.notebook.opening import open

__all__ = [
    "NO_RETRIES",
    "AsyncClient",
    "Client",
    "ClientError",
    "ConflictError",
    "ForbiddenError",
    "GoneError",
    "InvalidRequestError",
    "NearfieldError",
    "NoAnswerError",
    "NotFoundError",
    "ProblemError",
    "Retries",
    "ServiceFailedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "open",
]

_ELSEWHERE = {
    "AsyncClient": "nearfield.client.async_client",
    "Client": "nearfield.client.client",
    "NO_RETRIES": "nearfield.client.retries",
    "NearfieldError": "embedding.errors",
    "Retries": "nearfield.client.retries",
    "open": "nearfield.notebook.opening",
}
_ERRORS = "nearfield.client.errors"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
        return getattr(import_module(_ELSEWHERE.get(name, _ERRORS)), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
