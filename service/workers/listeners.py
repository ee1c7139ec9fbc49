"""Listening sockets: one for each worker, kept by the supervisor for as long as it lives."""

import errno
import ipaddress
import socket
import sys

from embedding.errors import BusyError, NearfieldError, UsageError
from service.workers.port_holder import port_holder

# Connections that wait while all workers are busy or a hand-over is under way; net.core.somaxconn caps it (4,096).
BACKLOG = 1024


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; UsageError when it is no address and no known name."""
    return all(ipaddress.ip_address(address).is_loopback for _, address in _resolve(host, 0))


class Listeners:
    """One listening socket for each worker, all bound to one address; Linux spreads new connections over them.

    They outlive the workers: a connection that waits in one is accepted by whichever worker holds it then.
    Elsewhere than on Linux, where the kernel does not spread, it is the same socket for all.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        """Bind; only the first listens already, so that the port is ours. The others do once their workers answer.

        BusyError when the port is taken, NearfieldError when the address cannot be bound.
        """
        family, _ = _resolve(host, port)[0]
        first = _socket(family)
        try:
            # Without SO_REUSEPORT, which would let a second service of the same user share the port unnoticed.
            first.bind((host, port))
            first.listen(BACKLOG)
        except OSError as error:
            first.close()
            raise _cannot_bind(error, host, port) from error
        self._sockets = [first]
        if sys.platform == "linux":
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for _ in range(count - 1):
            self._sockets.append(_sibling(first) if sys.platform == "linux" else first)

    def __len__(self) -> int:
        return len(self._sockets)

    def __getitem__(self, slot: int) -> socket.socket:
        return self._sockets[slot]

    @property
    def address(self) -> str:
        """As it stands in a URL, such as `127.0.0.1:8080` or `[::1]:8080`."""
        host, port = self._sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def withdraw(self, slot: int) -> None:
        """Send no new connections to this socket until it listens again; those that wait in it are reset.

        Only while no server watches it: the one in use spins for ever on a listener that was shut down.
        """
        withdrawn = self._sockets[slot]
        if sum(other is withdrawn for other in self._sockets) > 1:
            return
        # Linux marks a socket that does not listen as shut down all the same, and every connection that it takes
        # once it does is born closed.
        if withdrawn.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            withdrawn.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the address up."""
        for listener in self._sockets:
            listener.close()


def _sibling(first: socket.socket) -> socket.socket:
    sibling = _socket(first.family)
    sibling.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sibling.bind(first.getsockname())
    return sibling


def _socket(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    # A service that comes back at once finds connections of the one before still in TIME_WAIT.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it: an answer of two segments must not wait 40 ms for an acknowledgement.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(
            f"host: expected an address or a name of this machine, came {host!r} ({error.strerror})"
        ) from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _cannot_bind(error: OSError, host: str, port: int) -> NearfieldError:
    where = f"{host}, port {port}"
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        held = f"{holder} listens there" if holder else "another process listens there"
        return BusyError(f"Cannot listen on {where}: {held}. Stop it, or choose another port with --port.")
    if error.errno == errno.EACCES:
        return NearfieldError(
            f"Cannot listen on {where}: this user may not use that port. Choose one above 1023 with --port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return NearfieldError(
            f"Cannot listen on {where}: this machine has no such address. Choose one of its own with --host "
            "(127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses)."
        )
    return NearfieldError(f"Cannot listen on {where}: {error}. Choose another address with --host and --port.")
