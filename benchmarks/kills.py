"""SIGKILL at random moments of builds, syncs and takedowns: what died where, and was anything acknowledged lost?

    python -m benchmarks.kills [--runs 50] [--items 2000] [--seed 0]

Each run starts a command on a small release and kills it after a random part of the time that it takes undisturbed.
Then: the live release is the one it was and passes its check; every takedown that was acknowledged holds; the same
command, run again, finishes; a build then has the `content` hash of an undisturbed one, a sync nothing left to do.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_KINDS = ("build", "sync", "takedown")


class Losses(Exception):
    """What was found to be lost or wrong."""


def main() -> None:
    """Parse the command line, run, and print one table; exit code 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--items", type=int, default=2_000, help="rows of the made-up catalogue that are used")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    deaths: Counter[tuple[str, str]] = Counter()
    lost: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nearfield-kills-") as folder:
        world = _World(Path(folder), arguments.items)
        for number in range(arguments.runs):
            kind = _KINDS[number % len(_KINDS)]
            try:
                deaths[kind, world.run(kind, dice)] += 1
            except Losses as error:
                lost.append(f"run {number + 1}, {kind}: {error}")
    table = Table(title=f"{arguments.runs} runs")
    for heading in ("command", "killed in", "times"):
        table.add_column(heading, justify="right" if heading == "times" else "left")
    for (kind, stage), count in sorted(deaths.items()):
        table.add_row(kind, stage, str(count))
    console = Console()
    console.print(table)
    console.print("\n".join([*lost, f"losses: {len(lost)}"]), highlight=False, markup=False)
    sys.exit(1 if lost else 0)


class _World:
    """A folder in which commands are typed: a live release, an older and a newer catalogue, what was acknowledged."""

    def __init__(self, folder: Path, num_items: int) -> None:
        self._folder = folder
        self._taken: list[str] = []
        self._command("sample", "data")
        rows = (folder / "data" / "catalogue.jsonl").read_bytes().splitlines()[:num_items]
        self._ids = [json.loads(row)["id"] for row in rows]
        changed = [
            {**json.loads(row), "title": f"Edited {at}"} if at % 50 == 0 else json.loads(row)
            for at, row in enumerate(rows)
        ]
        self._catalogues = [folder / "older.jsonl", folder / "newer.jsonl"]
        self._catalogues[0].write_bytes(b"\n".join(rows))
        self._catalogues[1].write_text("\n".join(json.dumps(row) for row in changed[:-5]))
        self._contents = {}
        for catalogue in self._catalogues:
            self._command("index", "build", catalogue.name, "--activate")
            self._contents[catalogue.name] = self._live()["content"]
        # With every text in the cache, as the killed ones will find them.
        self._takes_s = {
            "build": self._timed("index", "build", "newer.jsonl"),
            "sync": self._timed("index", "diff", "newer.jsonl"),
            "takedown": self._timed("index", "lift", "no-such-item"),
        }
        self._at = 1

    def run(self, kind: str, dice: random.Random) -> str:
        """Kill one command and see that nothing is lost; the stage that it was in."""
        # A build or a sync of the catalogue that is not live now.
        catalogue = self._catalogues[1 - self._at].name
        item_id = dice.choice(self._ids)
        arguments = {
            "build": ("index", "build", catalogue, "--progress", "json", "--force"),
            "sync": ("index", "sync", catalogue, "--progress", "json"),
            "takedown": ("index", "takedown", item_id),
        }[kind]
        before = self._live()["id"]
        stage = self._killed(arguments, dice.uniform(0.2, 1.0) * self._takes_s[kind], item_id)
        if self._live()["id"] != before:
            raise Losses("another release is live")
        self._command("index", "activate", before)
        self._check_takedowns()
        if kind == "takedown":
            self._command(*arguments)
            self._taken.append(item_id)
        elif kind == "sync":
            self._command(*arguments)
            again = json.loads(self._command("index", "sync", catalogue, "--json"))
            if again["added"] + again["changed"] + again["payload_changed"] + again["removed"]:
                raise Losses(f"a second sync still finds changes: {again}")
            self._at = 1 - self._at
        else:
            built = json.loads(self._command(*arguments[:3], "--force", "--activate", "--json"))["release"]
            if self._live()["content"] != self._contents[catalogue]:
                raise Losses(f"release {built} has another content hash than an undisturbed build")
            self._at = 1 - self._at
        self._check_takedowns()
        return stage

    def _killed(self, arguments: tuple[str, ...], after_s: float, item_id: str) -> str:
        process = subprocess.Popen(
            [*_CLI, *arguments], cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, told = process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, told = process.communicate()
        if arguments[1] == "takedown" and "taken down" in out:
            self._taken.append(item_id)
        if process.returncode == 0:
            return "it had ended before"
        stages = [json.loads(line).get("stage") for line in told.splitlines() if line.startswith("{")]
        return next((stage for stage in reversed(stages) if stage), "starting, or between stages")

    def _check_takedowns(self) -> None:
        lifted = self._command("index", "lift", "--json", "no-such-item", *dict.fromkeys(self._taken))
        lost = set(json.loads(lifted)["not_taken_down"]) - {"no-such-item"}
        if lost:
            raise Losses(f"takedowns were lost: {sorted(lost)}")
        if self._taken:
            self._command("index", "takedown", *dict.fromkeys(self._taken))

    def _timed(self, *arguments: str) -> float:
        started = time.monotonic()
        self._command(*arguments)
        return time.monotonic() - started

    def _live(self) -> dict[str, str]:
        status = json.loads(self._command("index", "status", "--json"))
        live: dict[str, str] = next(one for one in status["releases"] if one["id"] == status["live"])
        return live

    def _command(self, *arguments: str) -> str:
        done = subprocess.run([*_CLI, *arguments], cwd=self._folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Losses(f"nearfield {' '.join(arguments[:3])} failed: {done.stderr.strip()[-500:]}")
        return done.stdout


if __name__ == "__main__":
    main()
