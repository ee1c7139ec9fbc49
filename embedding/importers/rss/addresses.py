"""Which addresses may be asked: those of the public internet, and, only where that was allowed, local ones."""

import ipaddress
import socket

import httpx

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class RefusedAddressError(Exception):
    """An address that is not asked, and why."""


def resolved(url: httpx.URL, *, allow_local: bool) -> list[str]:
    """The IP addresses that the host of `url` has now. Who connects to one of them, not to the name, has no second
    look-up that could give another.

    Raises RefusedAddressError for what is not HTTP, has no host, holds a password, or leads to this machine or network;
    OSError where the name is not known.
    """
    host = url.raw_host.decode("ascii")
    if url.scheme not in _PORTS or not host:
        raise RefusedAddressError(f"expected an address that begins http:// or https://, came {str(url)!r}")
    if url.userinfo:
        raise RefusedAddressError(f"expected an address without user name or password, came one at {host}")
    found = socket.getaddrinfo(host, url.port or _PORTS[url.scheme], type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    local = [address for address in addresses if not is_public(address)]
    if local and not allow_local:
        raise RefusedAddressError(
            f"{host} is {local[0]}, an address of this machine or network; --allow-local lets it be asked"
        )
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and so is one that it holds (as `::ffff:127.0.0.1` does)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    if ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    inner = [one for one in (ip.sixtofour, *(ip.teredo or ())) if one is not None]
    return ip.is_global and not ip.is_multicast and all(is_public(str(one)) for one in inner)
