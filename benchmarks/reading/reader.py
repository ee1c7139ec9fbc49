"""A process that reads one file of rows by the build that it runs in, and says what that took: seconds, peak bytes."""

import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.against.moved import found


class Read(msgspec.Struct, frozen=True):
    """`rows` read and taken in `seconds`; `peak_bytes` that the process ever held, with its libraries."""

    rows: int
    seconds: float
    peak_bytes: int


def read(path: Path) -> int:
    """How many rows of `path` were taken; a rejected one is an error."""
    with (
        tempfile.TemporaryDirectory() as folder,
        found("embedding.rows.rejects:Rejects")(Path(folder) / "r") as rejects,
    ):
        num = sum(len(batch) for batch in found("embedding.rows.catalogue:read_catalogue")(path, rejects))
        if rejects.rejected:
            sys.exit(f"{path}: {rejects.rejected} rejects, the first {rejects.first[0]}")
    return num


def main() -> None:
    """The argument: a file of rows. Prints one line of JSON."""
    began = time.perf_counter()
    num = read(Path(sys.argv[1]))
    seconds = time.perf_counter() - began
    print(msgspec.json.encode(Read(num, seconds, _peak_bytes())).decode())


def _peak_bytes() -> int:
    # Not ru_maxrss: it counts what the process held before it became this program, which was its parent's.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
