"""One `nearfield run` for all tests that need a service with data: started once, stopped at the end."""

import functools
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.free_ports import free_port

# A minute on two idle cores; beside other tests, and on a machine that is shared, a multiple of it.
READY_WITHIN_S = 420.0
# What says that it answers: the command to paste. And the last line of the last table that it prints.
_CURL, _MEASURED = r"^ *curl .*\n", r"^items out for longer.*\n"
ADMIN_TOKEN = "a-token-of-the-tests"


class RunningSample(NamedTuple):
    """`folder`: where the command was typed; `commands`: where the console script lies.

    `printed`: its stdout up to the first answer; `measured`: waits for the rest, and gives all of it.
    """

    folder: Path
    address: str
    commands: Path
    printed: str
    measured: Callable[[], str]


@contextmanager
def run_sample(folder: Path) -> Iterator[RunningSample]:
    """`nearfield run` in `folder`, from when it says that it answers until it is told to stop."""
    commands = Path(sys.executable).parent
    address = f"127.0.0.1:{free_port()}"
    command = [str(commands / "nearfield"), "run", "--port", address.split(":")[1]]
    log = folder / "stderr.log"
    environ = {**without_settings(), "NEARFIELD_ADMIN_TOKEN": ADMIN_TOKEN}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            printed = _until(_CURL, "", process, log)
            measured = functools.cache(lambda: _until(_MEASURED, printed, process, log))
            yield RunningSample(folder, address, commands, printed, measured)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=120) == 0, f"Ctrl-C did not end it cleanly:\n{log.read_text()}"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def without_settings() -> dict[str, str]:
    """The environment without this shell's own settings, which are not the tests' business."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NEARFIELD_")}


def _until(line: str, printed: str, process: "subprocess.Popen[bytes]", log: Path) -> str:
    """All that it printed, `printed` before, up to a line of that form."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + READY_WITHIN_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline and process.poll() is None:
            if selector.select(timeout=1.0):
                printed += (process.stdout.read() or b"").decode()
            if re.search(line, printed, flags=re.MULTILINE):
                return printed
    raise AssertionError(f"`nearfield run` did not say {line}; it said\n{printed}\n{log.read_text()}")
