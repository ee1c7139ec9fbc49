"""Who a request comes from: the address that connected, or the one that a trusted proxy speaks for."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from embedding.errors import UsageError

Headers = Sequence[tuple[bytes, bytes]]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_FORWARDED_FOR = b"x-forwarded-for"
# Whoever has one address of IPv6 has all that begin alike.
_IPV6_BITS = 64


class Peers:
    """Tells peers apart; a peer is an IPv4 address, or a /64 of IPv6, as text."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """UsageError where one of `trusted_proxies` is neither an address nor a network such as `10.0.0.0/8`."""
        self._trusted = [_network(text) for text in trusted_proxies]
        # Of each request with a late body, and of each connection in a crowd: the same few again and again.
        self.of_host = lru_cache(10_000)(self._of_host)

    def of(self, host: str, headers: Headers) -> str | None:
        """The peer that sent a request over a connection from `host`; None for a proxy that speaks for itself.

        Of the addresses in X-Forwarded-For the last one that is no proxy's: what stands before it, anybody can write.
        """
        peer = self.of_host(host)
        if peer is not None:
            return peer
        forwarded = [value.decode("latin-1") for name, value in headers if name == _FORWARDED_FOR]
        for address in reversed(",".join(forwarded).split(",")):
            peer = self.of_host(address.strip())
            if peer is not None:
                return peer
        return None

    def _of_host(self, host: str) -> str | None:
        """The peer of a connection; None for a trusted proxy, and for no address at all."""
        address = _parsed(host)
        if address is None:
            return host or None
        if any(address in network for network in self._trusted):
            return None
        if address.version == 6:
            return str(ipaddress.ip_network((address, _IPV6_BITS), strict=False))
        return str(address)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"trusted_proxies: expected addresses or networks such as 10.0.0.0/8, came {text!r}"
        ) from error


def _parsed(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name, or an address with a port: told apart from others by its text.
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
