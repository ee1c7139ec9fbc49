"""A small application in the place of the real one: loads as slowly, and fails as surely, as its folder says.

    live       name of the release that it loads
    delay_s    how long loading takes
    bad        names of releases that cannot be loaded, one a line
"""

import asyncio
import os
import time
from pathlib import Path

from litestar import Litestar, get

from embedding.errors import DamagedError
from service import refusal

FOLDER = "STANDIN_FOLDER"


def build_app() -> Litestar:
    """The application of the release that is live now; DamagedError when it is one of the bad ones."""
    folder = Path(os.environ[FOLDER])
    release = (folder / "live").read_text()
    time.sleep(float(_read(folder / "delay_s", "0")))
    if release in _read(folder / "bad", "").splitlines():
        raise DamagedError(f"release {release}: a byte of columns.bin differs from its manifest")
    replacing = os.environ["NEARFIELD_REPLACING"]

    @get("/")
    async def who(wait_s: float = 0) -> dict[str, str | int | None]:
        await asyncio.sleep(wait_s)
        return {"release": release, "pid": os.getpid(), "replacing": replacing, "refusal": refusal.current()}

    return Litestar([who], openapi_config=None, logging_config=None)


def _read(path: Path, otherwise: str) -> str:
    return path.read_text() if path.exists() else otherwise
