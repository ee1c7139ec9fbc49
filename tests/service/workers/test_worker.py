"""A fresh worker loads with what is left of the cores, and serves with its full share of them."""

import os
import subprocess
import sys

import pytest

from service.workers.worker import _made_aside

# A thread keeps its low priority; tried where none of it can last.
_PROGRAM = """
import os, threading
from service.workers.worker import _made_aside

def priority():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

before = priority()
print(_made_aside(priority) - before, priority() == before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own elsewhere")
def test_only_the_making_has_a_low_priority() -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    # Of a service that was started at a low priority, too: there is none below 19.
    for nicer in (0, 12):
        expected = min(10, 19 - min(19, usual + nicer))
        command = ["nice", "-n", str(nicer), sys.executable, "-c", _PROGRAM]
        ended = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True)

        assert ended.stdout == f"{expected} True\n"


def test_what_cannot_be_made_says_why() -> None:
    def make() -> None:
        raise ValueError("a byte of columns.bin differs")

    with pytest.raises(ValueError, match=r"columns\.bin"):
        _made_aside(make)  # type: ignore[arg-type]
