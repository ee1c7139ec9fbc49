"""Ports for servers that a test starts: nobody else takes one before the server does."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

# Below the ports that the system itself gives to clients (32768 and on), of which a test with many clients uses up
# thousands. Each process begins at another place, as tests run in several.
_FIRST, _NUM = 12_000, 20_000
_numbers = count(os.getpid() * 7_919)


def free_port(following: int = 0) -> int:
    """A port of this machine that nobody listens on, and `following` free ones after it; none is given twice."""
    while True:
        port = _FIRST + next(_numbers) % _NUM
        if all(map(_is_free, range(port, port + 1 + following))):
            for _ in range(following):
                next(_numbers)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections as long as the context lasts: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])
