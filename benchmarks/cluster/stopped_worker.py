"""A worker that hangs (SIGSTOP): how a takedown is answered, when it holds everywhere, what the worker says later."""

import http.client
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.cluster.asked_about import near, shown_in
from benchmarks.cluster.report import Bar, most
from benchmarks.cluster.topology import Topology

# One of two workers is missed by so many connections once in four thousand times.
_CONNECTIONS = 12
_LOOK_EVERY_S = 0.1
_MARGIN_S = 1.0


def bars(topology: Topology, seed: str, item_id: str, lease_s: float, ack_wait_s: float) -> list[Bar]:
    """Stop a worker of the second host, take `item_id` down through the first, let the worker go on.

    The item is one that is shown near `seed`.
    """
    asked, other = topology.hosts
    pid = _worker_of(topology, other.name)
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            # Some of these wait in the stopped worker until it goes on.
            waiting = [pool.submit(near, other, seed) for _ in range(_CONNECTIONS)]
            sent_at = time.monotonic()
            status, answer = asked.call("PUT", f"/v1/items/{item_id}/takedown")
            answered_s = time.monotonic() - sent_at
            while not asked.call("GET", f"/v1/changes/{answer['number']}")[1]["everywhere"]:
                time.sleep(_LOOK_EVERY_S)
            everywhere_s = time.monotonic() - sent_at
            late = [one for one in waiting if not one.done()]
            os.kill(pid, signal.SIGCONT)
            answers = [one.result() for one in late] + [near(other, seed) for _ in range(_CONNECTIONS)]
    finally:
        os.kill(pid, signal.SIGCONT)
    again_at = time.monotonic()
    again, _ = asked.call("DELETE", f"/v1/items/{item_id}/takedown")
    statuses = ", ".join(str(one) for one, _ in answers[: len(late)])
    print(f"a worker was stopped: {len(late)} requests waited in it, and were answered {statuses}")
    bound_s = 1.1 * lease_s + _MARGIN_S
    return [
        Bar("takedown beside a stopped worker is answered", str(status), "202", status == http.client.ACCEPTED),
        most("… within ack_wait_s and 1 s", answered_s, ack_wait_s + 1.0, "s"),
        most("… holds everywhere within lease_s and a tenth (and a second)", everywhere_s, bound_s, "s"),
        Bar("requests that waited in the stopped worker", str(len(late)), "> 0", bool(late)),
        most("answers that show it afterwards", sum(item_id in shown_in(one) for _, one in answers), 0),
        Bar("once the worker goes on, a change is answered", str(again), "200", again == http.client.OK),
        most("… within 1 s", time.monotonic() - again_at, 1.0, "s"),
    ]


def _worker_of(topology: Topology, host: str) -> int:
    rows = topology.databases[0].execute(f"SELECT name FROM nearfield.workers WHERE host = '{host}' ORDER BY name")
    return int(rows[0][0].removeprefix("process "))
