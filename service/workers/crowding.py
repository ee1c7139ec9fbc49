"""Room for the next client: connections that nothing is done for are closed before all that there may be are taken.

Clients that connect and say nothing are never seen by the application. The server closes them when `IDLE_S` is over;
until then they must not keep out a load balancer that asks whether this worker is alive.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection

from service.workers.connections import Client, connections, end, open_files, silent_s
from service.workers.peers import Peers

_LOOK_EVERY_S = 0.05
_REAP_EVERY_S = 10.0


class Crowding:
    """Looks after the connections to `port`, in a thread: it must come to its turn however busy the event loop is."""

    def __init__(
        self,
        port: int,
        most: int,
        in_flight: Collection[Client],
        peers: Peers,
        give_up_bodies: Callable[[int], None],
        silence_s: float,
    ) -> None:
        """Beyond three quarters of `most` connections there is made room, down to half of them.

        `in_flight`: clients that an answer is made for. `give_up_bodies` is called from the thread, with how many
        connections are missing even so. Who has said nothing for `silence_s` and waits for nothing takes no answer,
        or is gone: closed in any case.
        """
        self._port = port
        self._crowded, self._keep = most * 3 // 4, most // 2
        self._in_flight = in_flight
        self._peers = peers
        self._give_up_bodies = give_up_bodies
        self._silence_s = silence_s
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="crowding", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        reap_at = time.monotonic() + _REAP_EVERY_S
        while not self._stopped.wait(_LOOK_EVERY_S):
            # All files that are open are more than the connections, and counted in a moment.
            crowded = len(open_files()) > self._crowded
            reap = time.monotonic() > reap_at
            if crowded or reap:
                self._make_room()
            if reap:
                reap_at = time.monotonic() + _REAP_EVERY_S

    def _make_room(self) -> None:
        found = {client: silent_s(connection) for connection, client in connections(self._port)}
        idle = {client: silence for client, silence in found.items() if client not in self._in_flight}
        gone = {client for client, silence in idle.items() if silence > self._silence_s}
        missing = 0
        if len(found) > self._crowded:
            missing = len(found) - self._keep - len(gone)
            # One client's many go before the few of others, and what a proxy keeps open for many clients goes last.
            peers = {client: self._peers.of_host(client[0]) for client in idle}
            num_of = Counter(peers.values())
            first = sorted(
                idle.keys() - gone,
                key=lambda client: (peers[client] is None, -num_of[peers[client]], -idle[client]),
            )
            gone |= set(first[: max(missing, 0)])
            missing -= len(first)
        for connection, client in connections(self._port):
            # It may have asked for something meanwhile.
            if client in gone and client not in self._in_flight:
                end(connection)
        if missing > 0:
            self._give_up_bodies(missing)
