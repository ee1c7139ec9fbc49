"""Two builds at once: the second is told who holds the lock; a dead holder holds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexing.errors import BuildLockedError
from indexing.state.file_lock import build_lock

HOLD = """
import sys, time
from pathlib import Path
from indexing.state.file_lock import build_lock
with build_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_build_is_told_the_holder(tmp_path: Path) -> None:
    holder = f"held by process {os.getpid()}, since 20"
    with build_lock(tmp_path), pytest.raises(BuildLockedError, match=holder), build_lock(tmp_path):
        pass
    with build_lock(tmp_path):
        pass


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BuildLockedError, match=f"process {process.pid}"), build_lock(tmp_path):
        pass
    process.kill()
    process.communicate()
    with build_lock(tmp_path):
        pass
