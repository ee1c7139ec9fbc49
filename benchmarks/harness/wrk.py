"""The HTTP client `wrk`: requests a second of a service that is asked without a pause, from a few connections.

Debian: apt-get install wrk.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

CONNECTIONS = 16
# wrk runs this in each of its threads; bodies go round.
_LUA = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""
# Whole milliseconds, before each request of a connection.
_PAUSES = """
delay = function() return math.random(0, %d) end
"""
_SAID = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m),")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class Asked(Struct, frozen=True):
    """How many requests were answered in how many seconds."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def require_wrk() -> None:
    """End the program with a sentence where the client is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("the client `wrk` is not installed; on Debian: apt-get install wrk")


def write_script(folder: Path, name: str, bodies: list[bytes], pause_ms: float = 0.0) -> Path:
    """What `ask` posts, one body after another, as a script in `folder`; each connection pauses so long on average."""
    file, script = folder / f"{name}.bodies", folder / f"{name}.lua"
    file.write_bytes(b"\n".join(bodies))
    script.write_text(_LUA % file + (_PAUSES % round(2 * pause_ms) if pause_ms else ""))
    return script


def ask(script: Path, address: str, seconds: int) -> Asked:
    """Post for so many seconds; ends the program where a request fails."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), address]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"requests failed:\n{done.stdout}")
    said = _SAID.search(done.stdout)
    if said is None:
        sys.exit(f"wrk said something else than expected:\n{done.stdout}")
    return Asked(int(said[1]), float(said[2]) * _SECONDS[said[3]])
