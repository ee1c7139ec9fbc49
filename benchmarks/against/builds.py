"""The two builds that are compared: where each lies, with which interpreter it runs, and how it takes its turns."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import msgspec

from benchmarks.against.turn import Figure, Turn

OURS = Path(__file__).parents[2]
# Benchmarks of ours stand behind the build's own, so that one without `benchmarks.against` takes turns as well.
_PROGRAM = """
import benchmarks
benchmarks.__path__.append({ours!r})
from {module} import main
main()
"""


class Build:
    """A working tree."""

    def __init__(self, root: Path) -> None:
        if not (root / "benchmarks" / "__init__.py").exists():
            sys.exit(f"{root} is no working tree of this project: it has no benchmarks/")
        self.root = root

    @property
    def interpreter(self) -> str:
        """That of its own environment, where it has one, else the one that runs this."""
        own = self.root / ".venv" / "bin" / "python"
        return str(own) if own.exists() and self.root != OURS else sys.executable

    @property
    def environ(self) -> dict[str, str]:
        """Variables of its processes: it alone is imported, and strings hash the same in each."""
        return os.environ | {"PYTHONPATH": str(self.root), "PYTHONHASHSEED": "0"}

    def command(self, module: str, *arguments: str) -> list[str]:
        """What runs `main` of a module of ours in it."""
        code = _PROGRAM.format(ours=str(OURS / "benchmarks"), module=module)
        return [self.interpreter, "-P", "-c", code, *arguments]

    def fingerprint(self) -> str:
        """A name for what its worlds depend on: whatever writes releases, and makes up their rows."""
        digest = hashlib.sha256()
        for room, names in (("embedding", "*.py"), ("indexing", "*.py"), ("benchmarks", "*world.py")):
            for path in sorted((self.root / room).rglob(names)):
                digest.update(f"{path.relative_to(self.root)}\0".encode() + path.read_bytes())
        return digest.hexdigest()[:12]

    def commit(self) -> str:
        """What git calls it, with a mark where it has changes that are not committed."""
        told = subprocess.run(
            ["git", "-C", str(self.root), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout.strip() or "no git"


class Side:
    """A build that takes turns; a context that ends its process."""

    figures: list[Figure]

    def take(self, figure: Figure, /) -> Turn:
        """One turn."""
        raise NotImplementedError

    def __enter__(self) -> "Side":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Nothing is open."""


class Player(Side):
    """A build whose process stays, so that turns may be short."""

    def __init__(self, build: Build, name: str, folder: Path, arguments: list[str]) -> None:
        self._root = build.root
        own = folder / build.fingerprint()
        own.mkdir(parents=True, exist_ok=True)
        command = build.command("benchmarks.against.player", name, str(own), *arguments)
        self._process = subprocess.Popen(
            command, cwd=own, env=build.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.figures = msgspec.json.decode(self._answer(), type=list[Figure])

    def take(self, figure: Figure, /) -> Turn:
        """One turn of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{figure.name}\n".encode())
        self._process.stdin.flush()
        return msgspec.json.decode(self._answer(), type=Turn)

    def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            sys.exit(f"{self._root}: its process ended before its turn was over, see above")
        return line

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class WholeRuns(Side):
    """A build whose benchmark runs from beginning to end in each turn."""

    def __init__(self, build: Build, name: str, arguments: list[str]) -> None:
        self.figures = [Figure("the whole run", "ms")]
        self._command = [build.interpreter, "-P", "-m", f"benchmarks.{name}", *arguments]
        self._environ = build.environ

    def take(self, _figure: Figure, /) -> Turn:
        """One run, with what all of its processes took."""
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            process = subprocess.Popen(self._command, cwd=folder, env=self._environ, stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(self._command)} ended with {process.returncode}")
        return Turn(1.0, wall_s, used.ru_utime + used.ru_stime)
