"""A small application in the place of the real one; its folder says what it loads, and how badly.

live   name of the release that it loads
bad    names of releases that cannot be loaded, one a line
hold   while it is there, loading does not end
busy   while it is there, requests to /slow are not answered
came   is written when a request to /slow has come
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from embedding.errors import DamagedError
from service.schemas import hand_over_refusal

FOLDER = "STANDIN_FOLDER"

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def build_app() -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """The application of the release that is live now; DamagedError when it is one of the bad ones."""
    folder = Path(os.environ[FOLDER])
    release = (folder / "live").read_text()
    while (folder / "hold").exists():
        time.sleep(0.02)
    bad = folder / "bad"
    if bad.exists() and release in bad.read_text().splitlines():
        raise DamagedError(f"release {release}: a byte of columns.bin differs from its manifest")
    about = {
        "release": release,
        "pid": os.getpid(),
        "replacing": os.environ["NEARFIELD_REPLACING"],
        "made_at": os.getpriority(os.PRIO_PROCESS, threading.get_native_id()),
    }

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        if scope["path"] == "/slow":
            (folder / "came").touch()
        while scope["path"] == "/slow" and (folder / "busy").exists():
            await asyncio.sleep(0.02)
        content = json.dumps({**about, "priorities": _priorities(), "refusal": hand_over_refusal.current()}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app


def _priorities() -> list[int]:
    """Of all threads that there are, each once; of the process elsewhere than on Linux."""
    if sys.platform != "linux":
        return [os.getpriority(os.PRIO_PROCESS, 0)]
    threads = (int(path.name) for path in Path("/proc/self/task").iterdir())
    return sorted({os.getpriority(os.PRIO_PROCESS, thread) for thread in threads})
