"""The connections of clients that this process has, though the server that accepted them tells nothing of them."""

import os
import resource
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

Client = tuple[str, int]
"""Address and port, as in the scope of a request."""

# Where `struct tcp_info` of Linux has the milliseconds since something was last received.
_LAST_RECEIVED_AT = 52
_INFO_BYTES = 56
# Open files that a process may have where the system sets no bound, or a bound that nobody comes near.
_MANY_FILES = 65_536


def most_connections() -> int:
    """Connections at once, the next one waits: half of the files that may be open, the rest is the engine's and ours.

    As many files as this user may have are allowed from now on. Without a bound the server would go round in a busy
    loop once no file can be opened.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if most == resource.RLIM_INFINITY else min(most, _MANY_FILES)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        allowed = wanted
    return (_MANY_FILES if allowed == resource.RLIM_INFINITY else allowed) // 2


def open_files() -> list[int]:
    """Every descriptor of this process; one of them has been closed again: the one that listed them."""
    return [int(path.name) for path in Path("/dev/fd").iterdir()]


def connections(port: int) -> Iterator[tuple[socket.socket, Client]]:
    """Each connection to our `port`, as a duplicate that is closed when the next one is asked for."""
    for fd in open_files():
        try:
            duplicate = os.dup(fd)
        except OSError:
            # Closed since it was listed.
            continue
        try:
            found = socket.socket(fileno=duplicate)
        except OSError:
            # No socket.
            os.close(duplicate)
            continue
        with found:
            client = _client(found, port)
            if client is not None:
                yield found, client


def num_connections(port: int) -> int:
    """How many there are."""
    return sum(1 for _ in connections(port))


def silent_s(connection: socket.socket) -> float:
    """Seconds since the client sent anything, or since it connected; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0.0
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    milliseconds: int = struct.unpack_from("I", info, _LAST_RECEIVED_AT)[0]
    return milliseconds / 1_000


def end(connection: socket.socket) -> None:
    """Close it for client and server: the server's descriptor finds that the client has gone."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _client(found: socket.socket, port: int) -> Client | None:
    try:
        address = found.getpeername()
        name = found.getsockname()
    except OSError:
        return None
    if found.family not in (socket.AF_INET, socket.AF_INET6) or name[1] != port:
        return None
    return str(address[0]), int(address[1])
