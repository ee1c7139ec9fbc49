"""A server on a port of this machine that does to each request what its script says next."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

Act = Callable[[BaseHTTPRequestHandler], None]


class Scripted(NamedTuple):
    """`came`: method and path of each request, in the order in which they came."""

    address: str
    came: list[str]


def answers(status: int, body: bytes = b"{}", **headers: str) -> Act:
    """Answer with this; `retry_after="3"` is the header Retry-After."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content_type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def problem(status: int, slug: str, **headers: str) -> Act:
    """Answer with a problem of the service."""
    body = f'{{"type":"urn:nearfield:problem:{slug}","title":"A title","status":{status},"detail":"A detail."}}'
    return answers(status, body.encode(), content_type="application/problem+json", **headers)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def drips(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    try:
        for _ in range(4_000):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


@contextmanager
def scripted(*acts: Act) -> Iterator[Scripted]:
    """The server, until the context ends; whoever asks more often than the script goes on gets its last act again."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def act(self) -> None:
            came.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("content-length", "0")))
            acts[min(len(came), len(acts)) - 1](self)

        do_GET = do_POST = do_PUT = do_DELETE = act

        def log_message(self, *_: object) -> None:
            """Nothing is said on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Scripted(f"http://127.0.0.1:{server.server_port}", came)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
