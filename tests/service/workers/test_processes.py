"""Processes start whether or not the one that they would be forked from could be made, and a failure is told."""

import os
import subprocess
import sys
from pathlib import Path

# The fork server is one of its whole process: tried in a process of its own.
_PROGRAM = """
import logging, os, signal, sys, time
from multiprocessing.connection import wait
from pathlib import Path
from service.workers.processes import WorkerProcesses

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    processes = WorkerProcesses([sys.argv[1]])
    processes.prepare()
    processes._preparing.join()
    for _ in range(2):
        processes.start(print, ("work is done",), "worker").join()
    if "then-killed" in sys.argv:
        asleep = processes.start(time.sleep, (600,), "sleeper")
        forker = int(Path(f"/proc/{asleep.pid}/status").read_text().partition("PPid:")[2].split()[0])
        os.kill(forker, signal.SIGKILL)
        wait([os.pidfd_open(forker)])
        processes.start(print, ("work is done",), "worker").join()
        print("over" if asleep.ended() else "asleep")
        asleep.kill()
        asleep.join()
        print("over")
"""


def _ran(folder: Path, *arguments: str) -> tuple[list[str], str]:
    (folder / "program.py").write_text(_PROGRAM)
    (folder / "spoilt.py").write_text("raise RuntimeError('this module cannot be imported')")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(Path.cwd())))}
    ended = subprocess.run(
        [sys.executable, str(folder / "program.py"), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return ended.stdout.splitlines(), ended.stderr


def test_they_are_forked_once_that_is_prepared(tmp_path: Path) -> None:
    done, told = _ran(tmp_path, "json")
    assert done == ["work is done"] * 2
    assert told == "Fresh workers are forked from now on\n"


def test_what_cannot_be_imported_once_is_told_and_each_imports_for_itself(tmp_path: Path) -> None:
    done, told = _ran(tmp_path, "spoilt")
    assert done == ["work is done"] * 2
    assert "this module cannot be imported" in told
    assert "Fresh workers are started afresh, which takes longer: none can be forked (" in told
    assert "are forked from now on" not in told


def test_forks_go_on_and_fresh_ones_start_when_the_process_that_forked_them_is_killed(tmp_path: Path) -> None:
    done, told = _ran(tmp_path, "json", "then-killed")
    assert done == [*["work is done"] * 3, "asleep", "over"]
    assert "worker cannot be forked (EOFError: the process that forks has ended) and is started afresh" in told
