"""`index activate` and `index compact` in a subprocess: loading or optimising would block this process."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from indexing.releases.releases import Author

_PROGRAM = "from service.cli import main; main()"
_PREFIX = "nearfield: "


async def run_apart(environ: Mapping[str, str], arguments: Sequence[str]) -> str | None:
    """`nearfield` with these arguments and variables; None, or why it could not, for a person."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        *arguments,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    if process.returncode == 0:
        return None
    return told.decode(errors="replace").strip().removeprefix(_PREFIX) or f"exit code {process.returncode}"


async def activate_apart(environ: Mapping[str, str], release_id: str, widen: bool, author: Author) -> str | None:
    """`nearfield index activate`, as `run_apart`."""
    said = [f"--by={author.by}", f"--why={author.why}", *(["--widen"] if widen else [])]
    return await run_apart(environ, ["index", "activate", *said, "--", release_id])


async def compact_apart(environ: Mapping[str, str]) -> str | None:
    """`nearfield index compact`, where it is still due, as `run_apart`."""
    return await run_apart(environ, ["index", "compact", "--if-due", "--by=the service"])
