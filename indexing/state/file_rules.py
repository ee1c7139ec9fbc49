"""Which rules are in force where the state is files: the last accepted ones, kept by version, chosen by a pointer.

Processes meet only at the pointer: one puts a file in force, each looks at the pointer before it answers.

folder/VERSION.toml  a file as it was accepted
folder/accepted      the version in force
"""

import re
from pathlib import Path

from embedding.durable_files import write_durably
from embedding.errors import DamagedError
from indexing.errors import RulesError
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.reading import DEFAULT_RULES, Fits, anything, read_rules, rules_bytes, rules_in

_POINTER = re.compile(rb"[0-9a-f]{16}\n")


class AcceptedRules:
    """The accepted rules below `folder`; a proposal that is refused changes nothing, now or after a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pointer = folder / "accepted"
        self._current: tuple[str, RuleSet] | None = None
        self._looked_at: tuple[int, int] | None = None

    def propose(self, path: Path, fits: Fits = anything) -> str:
        """`accept` what is in the file at `path`; RulesError too when it cannot be read."""
        return self.accept(rules_bytes(path), str(path), fits)

    def accept(self, data: bytes, source: str, fits: Fits = anything) -> str:
        """Put the rules in `data` in force, named `source` in errors; their version. RulesError, and all stays as it
        was, when they are bad or do not fit."""
        ruleset = rules_in(data, source)
        fits(ruleset)
        version = rules_version(ruleset)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._folder / f"{version}.toml", data)
        write_durably(self._pointer, f"{version}\n".encode())
        return version

    @property
    def ever(self) -> bool:
        """Whether a file was ever accepted here."""
        return self._pointer.exists()

    def current(self) -> tuple[str, RuleSet]:
        """Version and rules in force; the packaged default where none was ever accepted.

        Reads the pointer each time (20 µs), so that every process sees a switch. DamagedError when what it names
        is not there or was edited.
        """
        try:
            pointer = self._pointer.read_bytes()
        except FileNotFoundError:
            return DEFAULT_RULES
        if not _POINTER.fullmatch(pointer):
            raise DamagedError(f"{self._pointer} should hold a version, it holds {pointer[:80]!r}. {self._mend()}")
        version = pointer.decode().removesuffix("\n")
        if self._current is None or self._current[0] != version:
            self._current = version, self._kept(version)
        return self._current

    def data(self) -> bytes | None:
        """The bytes of the file in force as they came; None for the packaged default. DamagedError as `current`."""
        version, _ = self.current()
        return (self._folder / f"{version}.toml").read_bytes() if self.ever else None

    def fresh(self) -> tuple[str, RuleSet] | None:
        """Version and rules in force where somebody switched the pointer since the last call of this or `opened`.

        A look that finds nothing costs one `stat`. DamagedError as `current`, once: the next call looks for a newer
        switch.
        """
        looked_at = self._switched_at()
        if looked_at == self._looked_at:
            return None
        # Before it is read: what is switched meanwhile differs at the next look.
        self._looked_at = looked_at
        return self.current()

    def opened(self) -> tuple[str, RuleSet]:
        """As `current`, for a process that goes on with `fresh`."""
        self._looked_at = self._switched_at()
        return self.current()

    def _switched_at(self) -> tuple[int, int] | None:
        # A switch puts another file in the pointer's place, made while the one before it still was there.
        try:
            stat = self._pointer.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_ino

    def _kept(self, version: str) -> RuleSet:
        path = self._folder / f"{version}.toml"
        try:
            ruleset, _ = read_rules(path)
        except RulesError as error:
            raise DamagedError(f"the accepted rules {version!r} cannot be read: {error}. {self._mend()}") from error
        if rules_version(ruleset) != version:
            raise DamagedError(f"{path} was accepted as {version} and is now {rules_version(ruleset)}. {self._mend()}")
        return ruleset

    def _mend(self) -> str:
        return f"Accept a rules file again, or remove {self._pointer} to go back to the packaged default."
