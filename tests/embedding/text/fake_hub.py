"""A hub on this machine with one model: as much of Hugging Face's HTTP as fetching a snapshot asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = "nearfield-tests/tiny"
COMMIT = "c0ffee" + 34 * "0"


class FakeHub:
    """The model in `folder` under `NAME`; `fails` names a file that it has and does not give."""

    def __init__(self, folder: Path) -> None:
        self.files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        self.fails: str | None = None
        self.asked: list[str] = []
        self.url = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a GET; a HEAD leaves the body out."""
        self.asked.append(path)
        if path in (f"/api/models/{NAME}", f"/api/models/{NAME}/revision/main"):
            siblings = [{"rfilename": name} for name in self.files]
            return 200, {}, json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode()
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            return 200, {}, json.dumps([self._entry(name) for name in self.files]).encode()
        name = path.removeprefix(f"/{NAME}/resolve/{COMMIT}/")
        if name in self.files and name != self.fails:
            return 200, {"ETag": f'"{_blob(self.files[name])}"', "X-Repo-Commit": COMMIT}, self.files[name]
        return 404, {}, b"{}"

    def _entry(self, name: str) -> dict[str, object]:
        return {"type": "file", "path": name, "size": len(self.files[name]), "oid": _blob(self.files[name])}


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(folder: Path) -> Iterator[FakeHub]:
    """A hub that answers at its `url`."""
    hub = FakeHub(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
