"""An application of `benchmarks.floor.apps` as the product serves its own: supervisor, listeners, workers."""

import json
import multiprocessing
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from benchmarks.harness.opened_world import CONTEXT, LIMIT
from benchmarks.harness.world import NUM_USERS
from service.workers.listeners import Listeners
from service.workers.live_watch import LiveWatch, Seen
from service.workers.pace import Pace
from service.workers.processes import WorkerProcesses
from service.workers.program import Program
from service.workers.supervisor import Supervisor

_STARTED_WITHIN_S = 120


def body_of(query: str, number: int) -> bytes:
    """The JSON of a `similar` near one row, or of a `recommend` for one user."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CONTEXT.at_s))
    context = {"market": CONTEXT.market, "at": at, "explicit": CONTEXT.explicit}
    asked = {"seeds": [{"id": f"item:{number}"}]} if query == "similar" else {"user_id": f"user:{number % NUM_USERS}"}
    return json.dumps({**asked, "limit": LIMIT, "context": context}).encode()


def post(port: int, query: str, body: bytes) -> bytes:
    """The answer to one request."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/{query}", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


@contextmanager
def served(factory: str, port: int, workers: int, query: str, body: bytes) -> Iterator[None]:
    """The application that `factory` (`module:function`) makes, from when it answers until the block ends."""
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(factory, port, workers))
    process.start()
    try:
        _until_answering(port, process, query, body)
        yield
    finally:
        process.terminate()
        process.join()


def _serve(factory: str, port: int, workers: int) -> None:
    watch = LiveWatch(lambda: nullcontext(lambda _: Seen("bench", "bench")), 3_600.0)
    listeners = Listeners("127.0.0.1", port, workers)
    Supervisor(
        listeners, Program(factory=factory, environ={}), watch, lambda _: None, Pace(), WorkerProcesses([])
    ).run()


def _until_answering(port: int, process: multiprocessing.process.BaseProcess, query: str, body: bytes) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while process.is_alive() and time.monotonic() < until:
        try:
            post(port, query, body)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the application on port {port} did not answer")
