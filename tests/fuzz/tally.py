"""What one process found, kept in a file that outlives it: an input may end the process."""

import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tests.fuzz.judge import Finding, judged
from tests.fuzz.reader import FuzzReader

if TYPE_CHECKING:
    from pathlib import Path

_EVERY = 250


class Report(Struct):
    """Inputs that were judged, how many of them the reader took without an error, and faults, each once."""

    inputs: int = 0
    taken: int = 0
    findings: list[Finding] = []


class Tally:
    """Judges inputs for one reader and counts.

    `path`: where the report goes, now and then and by `write`; beside it lies a folder for what readers write.
    `known`: how many inputs come first that an earlier run judged: they are not counted again.
    """

    def __init__(self, reader: FuzzReader, path: "Path", known: int = 0) -> None:
        self._reader, self._path, self._known = reader, path, known
        self._folder = path.with_suffix(".scratch")
        self._folder.mkdir()
        self._found: dict[tuple[str, str, str], Finding] = {}
        self.report = Report()

    def judge(self, data: bytes) -> Finding | None:
        """Judge one input and count it."""
        finding, taken = judged(self._reader, data, self._folder)
        if self._known:
            self._known -= 1
        else:
            self.report.inputs += 1
            self.report.taken += taken
        if finding is not None:
            known = self._found.get(finding.key)
            if known is None or len(data) < len(known.data):
                self._found[finding.key] = finding
        if finding is not None or self.report.inputs % _EVERY == 0:
            self.write()
        return finding

    def write(self) -> None:
        """Put what is known so far into the file."""
        self.report.findings = list(self._found.values())
        partial = self._path.with_name(f"{self._path.name}.partial")
        partial.write_bytes(msgspec.json.encode(self.report))
        partial.replace(self._path)

    def end(self) -> None:
        """Write, and end the process as it is: the fuzzer's own end would call it a failure."""
        self.write()
        os._exit(0)


def read_report(path: "Path") -> Report:
    """The report at `path`; an empty one where there is none yet."""
    return msgspec.json.decode(path.read_bytes(), type=Report) if path.exists() else Report()
