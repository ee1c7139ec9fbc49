"""`nearfield serve` as a process, over settings of a benchmark's own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from embedding.settings import EncoderPlace
from service.schemas.settings import Settings
from service.workers.environ import as_environ

NO_ENCODER = EncoderPlace("no encoder")
"""For services that encode nothing: one that is loaded takes a core from what is measured."""
_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_STARTED_WITHIN_S = 120.0


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """A service, from when every worker answers until the block ends; ends the program with its log where none does."""
    log = settings.data_dir / "serve.log"
    with log.open("w") as lines:
        process = subprocess.Popen([*_CLI, "serve"], env=os.environ | as_environ(settings), stdout=lines, stderr=lines)
    try:
        until = time.monotonic() + _STARTED_WITHIN_S
        while "serves release" not in log.read_text():
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the service did not begin to answer:\n{log.read_text()}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()
