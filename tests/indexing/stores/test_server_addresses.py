"""What `qdrant_url` may say: one address, several, and what is none."""

import pytest

from indexing.errors import StoreError
from indexing.stores.server_addresses import Address, addresses_of


@pytest.mark.parametrize(
    ("qdrant_url", "expected"),
    [
        ("http://a:6333", [("http://a:6333", 6334)]),
        ("http://a", [("http://a", 6334)]),
        ("https://a:443", [("https://a:443", 444)]),
        ("http://a:1, http://b:3 ,http://[::1]:5", [("http://a:1", 2), ("http://b:3", 4), ("http://[::1]:5", 6)]),
        # Named twice it is asked once.
        ("http://a:1,http://b:1,http://a:1", [("http://a:1", 2), ("http://b:1", 2)]),
    ],
)
def test_addresses_and_their_ports(qdrant_url: str, expected: list[tuple[str, int]]) -> None:
    assert addresses_of(qdrant_url) == tuple(Address(url, port) for url, port in expected)


@pytest.mark.parametrize("wrong", ["", "b:6333", "grpc://b", "http://", "http://b:70000", "http://b:x"])
def test_one_that_is_none_is_named_among_those_that_are(wrong: str) -> None:
    with pytest.raises(StoreError, match="qdrant_url should look like http://host:6333") as caught:
        addresses_of(f"http://a:6333,{wrong},http://c:6333")
    assert repr(wrong) in str(caught.value)


def test_what_can_be_read_on_the_way() -> None:
    bare, encrypted = addresses_of("http://a:6333,https://b:6333")
    assert (bare.is_encrypted, encrypted.is_encrypted) == (False, True)
