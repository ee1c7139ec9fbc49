"""A podcast host on this machine: pages by path, answered as told, and what was asked."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Page(NamedTuple):
    """An answer; one with `etag` or `last_modified` is 304 to who has it already. `pause_s`: before each 16 bytes."""

    body: bytes = b""
    status: int = 200
    etag: str | None = None
    last_modified: str | None = None
    location: str | None = None
    encoding: str | None = None
    pause_s: float = 0.0


class Host:
    """Its pages, its address, and the paths and headers that were asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def paths(self) -> list[str]:
        """The paths that were asked for since the last call."""
        paths = [path for path, _ in self.asked]
        self.asked.clear()
        return paths


@contextmanager
def podcast_host() -> Iterator[Host]:
    """A host that answers while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append((self.path, dict(self.headers)))
            page = host.pages.get(self.path, Page(b"not here", 404))
            same = (page.etag is not None and self.headers.get("If-None-Match") == page.etag) or (
                page.last_modified is not None and self.headers.get("If-Modified-Since") == page.last_modified
            )
            self.send_response(304 if same else page.status)
            told = {
                "ETag": page.etag,
                "Last-Modified": page.last_modified,
                "Location": page.location,
                "Content-Encoding": page.encoding,
            }
            for name, value in told.items():
                if value is not None:
                    self.send_header(name, value)
            self.send_header("Content-Length", "0" if same else str(len(page.body)))
            self.end_headers()
            if same:
                return
            for start in range(0, len(page.body), 16) if page.pause_s else ():
                time.sleep(page.pause_s)
                try:
                    self.wfile.write(page.body[start : start + 16])
                except OSError:
                    return
            if not page.pause_s:
                self.wfile.write(page.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = Host(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
