"""Who a request comes from, with proxies and without."""

import pytest

from embedding.errors import UsageError
from service.workers.peers import Peers

PROXIES = Peers(["10.0.0.0/8", "2001:db8::1"])


@pytest.mark.parametrize(
    ("host", "forwarded_for", "peer"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        # Anybody may write the header.
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", None, None),
        ("10.0.0.1", "10.0.0.2", None),
        ("2001:db8::1", "2001:db8:7::1", "2001:db8:7::/64"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("::ffff:10.0.0.1", "unknown", "unknown"),
        ("2001:db8:0:0:5::2", None, "2001:db8::/64"),
    ],
)
def test_a_peer_is_who_connected_or_whom_a_trusted_proxy_speaks_for(
    host: str, forwarded_for: str | None, peer: str | None
) -> None:
    headers = [] if forwarded_for is None else [(b"x-forwarded-for", forwarded_for.encode())]
    assert PROXIES.of(host, headers) == peer


def test_a_header_that_comes_twice_is_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.7")]
    assert PROXIES.of("10.0.0.1", headers) == "198.51.100.7"


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/40", ""])
def test_what_is_no_network_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"trusted_proxies: expected .* such as 10\.0\.0\.0/8, came"):
        Peers([text])
