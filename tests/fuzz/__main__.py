"""Every reader under inputs that were never written by anybody: no traceback, no row lost without a reject.

    python -m tests.fuzz --inputs 1000000

The inputs are shared out evenly among the readers; of each reader's, one in ten is drawn by Hypothesis, the others come
from Atheris. What counts as a fault: tests/fuzz/judge.py. Each fault is told once, by its place, and the smallest input
that shows it is written to FOLDER/faults; inputs that ended a process, to FOLDER/ended. Exit code 1 where there is one.
What reached new code is kept in FOLDER/corpus, where the next run goes on.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from tests.fuzz.registry import READERS
from tests.fuzz.tally import Report, read_report

if TYPE_CHECKING:
    from tests.fuzz.judge import Finding

# Readers write files: in memory, they wait for no disk.
_SHM = Path("/dev/shm")
_IN_MEMORY = _SHM if _SHM.is_dir() else None
_ENGINES = ("hypothesis", "atheris")
_HYPOTHESIS_SHARE = 10
# An input that ends the process ends it again under another seed, sooner or later.
_MOST_STARTS = 20


class Share(Struct):
    """What one engine gave one reader; `ended`: how often its process did not come to its end."""

    engine: str
    reader: str
    report: Report
    ended: list[str]


def main() -> None:
    """Parse the command line, fuzz, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    parser.add_argument(
        "--reader", action="append", choices=list(READERS), help="only this one; more than once for several"
    )
    parser.add_argument("--engine", action="append", choices=_ENGINES)
    parser.add_argument("--processes", type=int, default=1, help="at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(".nearfield/fuzz"), help="for faults, and for the corpus")
    arguments = parser.parse_args()
    engines = arguments.engine or _ENGINES
    names = arguments.reader or list(READERS)
    started_s = time.monotonic()
    console = Console(highlight=False)
    with (
        tempfile.TemporaryDirectory(dir=_IN_MEMORY) as folder,
        ThreadPoolExecutor(arguments.processes) as pool,
    ):
        runs = [
            pool.submit(
                _run, engine, name, inputs, arguments.seed, Path(folder) / f"{number}-{engine}", arguments.folder
            )
            for number, name in enumerate(names)
            for engine in engines
            if (inputs := _inputs(engine, len(engines), arguments.inputs, number, len(names)))
        ]
        shares = []
        for run in runs:
            share = run.result()
            shares.append(share)
            console.print(f"{share.engine} {share.reader}: {share.report.inputs:,} inputs", style="dim")
    console.print(_table(names, shares))
    total = sum(share.report.inputs for share in shares)
    console.print(f"{total:,} inputs in {time.monotonic() - started_s:,.0f} s")
    sys.exit(1 if _tell(console, shares, arguments.folder / "faults") else 0)


def _inputs(engine: str, num_engines: int, total: int, number: int, num_readers: int) -> int:
    """How many of `total` inputs an engine gives to the reader of that number."""
    of_reader = total * (number + 1) // num_readers - total * number // num_readers
    if num_engines == 1:
        return of_reader
    by_hypothesis = of_reader // _HYPOTHESIS_SHARE
    return by_hypothesis if engine == "hypothesis" else of_reader - by_hypothesis


def _run(engine: str, name: str, inputs: int, seed: int, place: Path, folder: Path) -> Share:
    """Processes, one after another, until all inputs were judged or too many processes ended before."""
    share = Share(engine, name, Report(), [])
    for start in range(_MOST_STARTS):
        path = place.with_name(f"{place.name}-{start}.json")
        left = inputs - share.report.inputs
        told = [engine, name, str(left), str(seed + start), str(path), str(folder / "corpus" / _as_name(name))]
        command = [sys.executable, "-m", "tests.fuzz.engine_process", *told]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
        )
        report = read_report(path)
        share.report.inputs += report.inputs
        share.report.taken += report.taken
        share.report.findings += report.findings
        if done.returncode == 0:
            break
        share.ended.append(f"exit code {done.returncode}: {done.stdout[-3000:]}")
        # libFuzzer keeps the input that ended it.
        for kept in place.parent.glob(f"{path.stem}.*-*"):
            (folder / "ended").mkdir(parents=True, exist_ok=True)
            (folder / "ended" / f"{_as_name(name)}-{kept.name}").write_bytes(kept.read_bytes())
        if share.report.inputs >= inputs:
            break
    return share


def _as_name(reader: str) -> str:
    return reader.replace(" ", "-")


def _table(names: list[str], shares: list[Share]) -> Table:
    table = Table(title="inputs by reader: all, and those taken without an error")
    for column in ("reader", *_ENGINES, "taken", "faults", "processes ended"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for name in names:
        of_reader = [share for share in shares if share.reader == name]
        by = {engine: sum(share.report.inputs for share in of_reader if share.engine == engine) for engine in _ENGINES}
        taken = sum(share.report.taken for share in of_reader)
        faults = len({finding.key for share in of_reader for finding in share.report.findings})
        ended = sum(len(share.ended) for share in of_reader)
        table.add_row(name, *(f"{by[engine]:,}" for engine in _ENGINES), f"{taken:,}", str(faults), str(ended))
    return table


def _tell(console: Console, shares: list[Share], folder: Path) -> bool:
    """Print each fault once and keep its input; whether there was any."""
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in (finding for share in shares for finding in share.report.findings):
        known = found.get(finding.key)
        if known is None or len(finding.data) < len(known.data):
            found[finding.key] = finding
    for number, finding in enumerate(found.values()):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}-{_as_name(finding.reader)}"
        path.write_bytes(finding.data)
        console.print(
            f"\n{finding.reader}: {finding.kind} at {finding.place}, {path} ({len(finding.data):,} bytes)", markup=False
        )
        console.print(finding.message[-3000:], markup=False)
    for share in shares:
        for words in share.ended:
            console.print(f"\n{share.reader}: a process of {share.engine} ended, {words}", markup=False)
    return bool(found) or any(share.ended for share in shares)


if __name__ == "__main__":
    main()
