"""The rules file that people edit: put in force when it is good, refused aloud when it is not.

folder/refused   why the file as it stands was not taken; not there while all is well
"""

from pathlib import Path

from embedding.durable_files import write_durably
from indexing.errors import RulesError
from indexing.rules.reading import Fits, anything
from indexing.state.file_rules import AcceptedRules

_REFUSED = "refused"


class Proposal:
    """Watches one rules file for one process, which alone puts it in force; every process may ask `refused_rules`."""

    def __init__(self, path: Path, folder: Path) -> None:
        """`path`: the file that people edit; `folder`: where AcceptedRules keeps what was accepted."""
        self._path = path
        self._folder = folder
        self._accepted = AcceptedRules(folder)
        self._looked_at: tuple[tuple[int, int, int] | None, str] | None = None

    def take_up(self, release: str = "", fits: Fits = anything) -> None:
        """Put the file in force if it changed since the last call; a bad or missing one leaves things as they are.

        So does one that does not fit the live `release`; it is tried again when another one is live.
        """
        state = self._state()
        if self._looked_at == (state, release):
            return
        self._looked_at = state, release
        if state is None:
            version, _ = self._accepted.current()
            gone = f"{self._path} is not there; rules {version}, accepted earlier, stay in force."
            self._tell(gone if self._accepted.ever else None)
            return
        try:
            self._accepted.propose(self._path, fits)
        except RulesError as error:
            version, _ = self._accepted.current()
            self._tell(f"{error}. Rules {version} stay in force.")
        else:
            self._tell(None)

    def _state(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _tell(self, reason: str | None) -> None:
        if reason is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_durably(self._folder / _REFUSED, reason.encode())
        else:
            (self._folder / _REFUSED).unlink(missing_ok=True)


def refused_rules(folder: Path) -> str | None:
    """Why the rules file as it stands is not in force; None while it is, or while there is none."""
    try:
        return (folder / _REFUSED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
