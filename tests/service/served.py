"""A service on a real port, in a thread of this process."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.free_ports import free_port

TOKEN = "a-token-of-the-tests"


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """Its address, while it answers; changes take `TOKEN`."""
    app = create_app(open_dependencies(Settings(data_dir=data_dir, admin_token=TOKEN, encoder_wait_s=60)))
    port = free_port()
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), daemon=True)
    thread.start()
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join(timeout=60)
        loop.close()


def _wait_for(port: int) -> None:
    for _ in range(2_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the service did not come up")
