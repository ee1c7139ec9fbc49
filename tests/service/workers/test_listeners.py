"""Which sockets are listened on: one address, shared by the workers and by nobody else."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from embedding.errors import BusyError, NearfieldError, UsageError
from service.workers.listeners import Listeners, is_loopback
from tests.free_ports import free_port


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners("127.0.0.1", free_port(), 2)
    yield made
    made.close()


def spread(listeners: Listeners, num: int = 60) -> list[int]:
    """How many of `num` new connections come to each listener; -1 for one that does not listen."""
    clients = [socket.create_connection(listeners[0].getsockname()) for _ in range(num)]
    counts = [_accepted(listeners[slot]) for slot in range(len(listeners))]
    for client in clients:
        client.close()
    return counts


def _accepted(listener: socket.socket) -> int:
    listener.setblocking(False)
    count = 0
    try:
        while True:
            listener.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count
    except OSError:
        return -1


def test_only_the_first_listens_until_the_workers_do(listeners: Listeners) -> None:
    assert spread(listeners) == [60, -1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all workers share one socket")
def test_connections_are_spread_over_those_that_listen(listeners: Listeners) -> None:
    listeners[1].listen()
    # 60 tosses of a coin: fewer than 10 of one side come once in 100 million times.
    assert min(spread(listeners)) >= 10
    listeners.withdraw(0)
    assert spread(listeners) == [-1, 60]
    # A second time is no fault: the worker may have ended before it listened.
    listeners.withdraw(0)
    listeners[0].listen()
    assert min(spread(listeners)) >= 10


def test_a_listener_withdrawn_before_it_listened_takes_live_connections_once_it_does() -> None:
    with contextlib.closing(Listeners("127.0.0.1", free_port(), 2)) as listeners:
        listeners.withdraw(1)
        listeners.withdraw(0)
        # Now it is the only one, and every connection comes to it.
        listeners[1].listen()
        client = socket.create_connection(listeners[1].getsockname())
        served, _ = listeners[1].accept()
        client.sendall(b"?")
        served.sendall(served.recv(1))
        assert client.recv(1) == b"?"
        client.close()
        served.close()


@pytest.mark.parametrize("withdrawn", [None, 0, 1])
def test_a_second_service_is_refused_and_told_who_is_there(listeners: Listeners, withdrawn: int | None) -> None:
    listeners[1].listen()
    if withdrawn is not None:
        listeners.withdraw(withdrawn)
    port = listeners[0].getsockname()[1]
    with pytest.raises(BusyError) as caught:
        Listeners("127.0.0.1", port, 2)
    holder = f"process {os.getpid()} (" if sys.platform == "linux" else "another process"
    assert str(caught.value).startswith(f"Cannot listen on 127.0.0.1, port {port}: {holder}")
    assert str(caught.value).endswith("Stop it, or choose another port with --port.")


def test_the_port_is_free_again_after_a_service_that_had_connections() -> None:
    port = free_port()
    for _ in range(2):
        again = Listeners("127.0.0.1", port, 1)
        client = socket.create_connection(("127.0.0.1", port))
        # Closed by our side first, the connection stays in TIME_WAIT.
        again[0].accept()[0].close()
        client.close()
        again.close()


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    # 192.0.2.0/24 belongs to nobody (RFC 5737).
    with pytest.raises(NearfieldError, match=r"Cannot listen on 192\.0\.2\.1, port 8080: this machine has no such"):
        Listeners("192.0.2.1", 8080, 1)


def test_a_host_that_is_no_address_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="host: expected an address or a name of this machine, came 'no host'"):
        is_loopback("no host")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_address_reads_as_in_a_url(listeners: Listeners) -> None:
    assert listeners.address == f"127.0.0.1:{listeners[0].getsockname()[1]}"
    with contextlib.suppress(NearfieldError):
        # Where the machine has IPv6 at all.
        six = Listeners("::1", free_port(), 1)
        assert six.address == f"[::1]:{six[0].getsockname()[1]}"
        six.close()
