"""Makes a release live in a process of its own: checking its bytes and loading its points would hold this one."""

import asyncio
import sys
from collections.abc import Mapping

_PROGRAM = "from service.cli import main; main()"
_PREFIX = "nearfield: "


async def activate_apart(environ: Mapping[str, str], release_id: str, widen: bool) -> str | None:
    """`nearfield index activate` with these variables; None, or why it could not, for a person."""
    arguments = ["index", "activate", *(["--widen"] if widen else []), "--", release_id]
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
