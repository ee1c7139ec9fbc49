"""The addresses of a Qdrant server that `qdrant_url` names: one, or several nodes of a cluster, with commas."""

from urllib.parse import urlsplit

from msgspec import Struct

from indexing.errors import StoreError

_REST_PORT = 6333


class Address(Struct, frozen=True):
    """Where a node answers: its `url`, and gRPC on the port after that, as Qdrant has them (6333 and 6334)."""

    url: str
    grpc_port: int

    @property
    def is_encrypted(self) -> bool:
        """Whether what is sent there can be read by nobody else."""
        return self.url.startswith("https:")


def addresses_of(qdrant_url: str) -> tuple[Address, ...]:
    """The addresses in their order, each once; StoreError, which names it, for one that is none."""
    urls = [url.strip() for url in qdrant_url.split(",")]
    return tuple(dict.fromkeys(_address(url) for url in urls))


def _address(url: str) -> Address:
    expected = f"qdrant_url should look like http://host:6333, or be several such with commas; {url!r} came"
    try:
        parts = urlsplit(url)
        port = parts.port or _REST_PORT
    except ValueError as error:
        raise StoreError(f"{expected}: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreError(expected)
    return Address(url, port + 1)
