"""Which process holds a port already, for the error message."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"


def port_holder(port: int) -> str | None:
    """Name and number of a process that listens on TCP `port`; None where that cannot be known.

    Linux only (`/proc/net/tcp`, man 5 proc), and only for processes that this user may look into.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if not sockets.isdisjoint(_open_files(process)):
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                # It ended while we looked.
                continue
            return f"process {process.name} ({command[:120]})"
    return None


def _open_files(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            with suppress(FileNotFoundError):
                # Closed while we looked; the next one may be what we look for.
                yield str(descriptor.readlink())
    except OSError:
        # It ended, or is another user's.
        return


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
