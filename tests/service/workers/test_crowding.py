"""Connections of this process: which are found, and which make room."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.workers.connections import Client, connections, num_connections, silent_s
from service.workers.crowding import Crowding
from service.workers.peers import Peers
from tests.service.workers.serving_processes import eventually


class Listening:
    """A listener with the connections that clients of several addresses made to it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._listener.getsockname()[1]
        self.ours: dict[Client, socket.socket] = {}

    def connect(self, host: str) -> Client:
        self._stack.enter_context(socket.create_connection(("127.0.0.1", self.port), source_address=(host, 0)))
        ours, client = self._listener.accept()
        self.ours[client] = self._stack.enter_context(ours)
        return str(client[0]), int(client[1])

    def closed(self) -> set[Client]:
        """Of which connections the end has come."""
        return {client for client, connection in self.ours.items() if _has_ended(connection)}


def _has_ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.fixture
def listening() -> Iterator[Listening]:
    with ExitStack() as stack:
        yield Listening(stack)


def test_connections_to_a_port_are_found_with_their_clients(listening: Listening) -> None:
    clients = {listening.connect("127.0.0.1") for _ in range(3)}
    assert {client for _, client in connections(listening.port)} == clients
    assert num_connections(listening.port) == 3
    time.sleep(0.2)
    assert all(0.1 < silent_s(connection) < 300 for connection, _ in connections(listening.port))


def test_in_a_crowd_the_many_of_one_client_make_room_and_nobody_who_waits_for_an_answer(listening: Listening) -> None:
    few = [listening.connect(f"127.0.0.{number}") for number in (3, 4)]
    many = [listening.connect("127.0.0.2") for _ in range(14)]
    in_flight = {few[0], many[0]}
    given_up: list[int] = []
    crowding = Crowding(listening.port, 20, in_flight, Peers([]), given_up.append, silence_s=60)
    try:
        eventually(lambda: len(listening.closed()) == 6)
        assert listening.closed() < set(many[1:])
        assert given_up == []
    finally:
        crowding.stop()


def test_where_all_wait_for_answers_late_bodies_are_given_up(listening: Listening) -> None:
    in_flight = {listening.connect("127.0.0.1") for _ in range(16)}
    given_up: list[int] = []
    crowding = Crowding(listening.port, 20, in_flight, Peers([]), given_up.append, silence_s=60)
    try:
        eventually(lambda: bool(given_up))
        assert given_up[0] == 6
        assert listening.closed() == set()
    finally:
        crowding.stop()
