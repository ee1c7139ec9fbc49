"""SIGKILL at random moments of builds, syncs, takedowns, compactions and switches: what died where, and what was lost?

    python -m benchmarks.kills [--runs 50] [--items 2000] [--seed 0] [--over-servers]

Each run starts a command on a small release and kills it after a random part of the time that it takes undisturbed,
until so many have died; those that end before are counted beside them. A service answers all the time. Then: the live
release is the one it was (or, of a switch, the one that it was to be) and passes its check; the service's answer is
the exact one for what is live; every takedown that was acknowledged holds; the same command, run again, finishes; a
build then has the `content` hash of an undisturbed one, a sync nothing left to do, a compaction the same rows.
`--over-servers`: vectors on a Qdrant server, state in PostgreSQL, both started here (NEARFIELD_TEST_QDRANT_BIN).
"""

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness.exact_answers import Exact, Shown, difference, digest, shown
from benchmarks.harness.servers import running_servers
from indexing.rules.context import RequestContext
from service.schemas.load_settings import FILE_NAME, load_settings

_PORT = 18_091
_MARKET, _LIMIT = "SE", 10
_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_ENDED = "it had ended before"
_KINDS = ("build", "sync", "takedown", "compaction", "switch")


class Losses(Exception):
    """What was found to be lost or wrong."""


def main() -> None:
    """Parse the command line, run, and print one table; exit code 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50, help="how many are killed")
    parser.add_argument("--items", type=int, default=2_000, help="rows of the made-up catalogue that are used")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--over-servers", action="store_true", help="over a Qdrant server and PostgreSQL")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    deaths: Counter[tuple[str, str]] = Counter()
    lost: list[str] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nearfield-kills-"))
        servers = stack.enter_context(running_servers()) if arguments.over_servers else None
        world = _World(Path(folder), arguments.items, {} if servers is None else servers.settings)
        with world.served():
            number = killed = 0
            while killed < arguments.runs:
                kind = _KINDS[number % len(_KINDS)]
                number += 1
                try:
                    stage = world.run(kind, dice)
                    deaths[kind, stage] += 1
                    killed += stage != _ENDED
                except Losses as error:
                    killed += 1
                    lost.append(f"run {number}, {kind}: {error}")
    place = "over a Qdrant server and PostgreSQL" if arguments.over_servers else "embedded, over files"
    table = Table(title=f"{number} runs, {killed} of them killed, {place}")
    for heading in ("command", "killed in", "times"):
        table.add_column(heading, justify="right" if heading == "times" else "left")
    for (kind, stage), count in sorted(deaths.items()):
        table.add_row(kind, stage, str(count))
    console = Console()
    console.print(table)
    console.print(f"{world.num_answers} answers of the service meanwhile were compared with exact ones")
    console.print("\n".join([*lost, f"losses: {len(lost)}"]), highlight=False, markup=False)
    sys.exit(1 if lost else 0)


class _World:
    """A folder in which commands are typed: a live release, an older and a newer catalogue, what was acknowledged."""

    def __init__(self, folder: Path, num_items: int, settings: dict[str, str]) -> None:
        (folder / FILE_NAME).write_text("".join(f'{name} = "{value}"\n' for name, value in settings.items()))
        self._folder, self._settings = folder, load_settings(folder, {}, {})
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
            "takedown": self._timed("index", "takedowns"),
            "compaction": self._timed("index", "compact"),
            "switch": self._timed("index", "activate", self._live()["id"]),
        }
        self._at = 1
        self.num_answers = 0

    def run(self, kind: str, dice: random.Random) -> str:
        """Kill one command and see that nothing is lost; the stage that it was in."""
        # A build or a sync of the catalogue that is not live now.
        catalogue = self._catalogues[1 - self._at].name
        item_id = dice.choice(self._ids)
        before = self._live()["id"]
        shown = digest(self._shown(before).rows)
        other = self._other(before)
        arguments = {
            "build": ("index", "build", catalogue, "--progress", "json", "--force"),
            "sync": ("index", "sync", catalogue, "--progress", "json"),
            "takedown": ("index", "takedown", item_id),
            "compaction": ("index", "compact", "--progress", "json"),
            "switch": ("index", "activate", other, "--widen"),
        }[kind]
        started = time.monotonic()
        stage = self._killed(arguments, dice.uniform(0.2, 1.0) * self._takes_s[kind], item_id)
        if stage == _ENDED:
            # The machine is faster than it was, or this one had less to do.
            self._takes_s[kind] = min(self._takes_s[kind], time.monotonic() - started)
        live = self._live()
        compacted = kind == "compaction" and live["lineage"][-1:] == [before]
        if live["id"] != before and not compacted and not (kind == "switch" and live["id"] == other):
            raise Losses("another release is live")
        self._command("index", "activate", live["id"])
        self._check_answer(dice.choice(self._ids))
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
        elif kind == "switch":
            self._command(*arguments)
            if self._live()["id"] != other:
                raise Losses("a second switch did not switch")
            self._command("index", "activate", before, "--widen")
        elif kind == "compaction":
            self._command(*arguments)
            if digest(self._shown(self._live()["id"]).rows) != shown:
                raise Losses("the compacted release shows other rows")
        else:
            built = json.loads(self._command(*arguments[:3], "--force", "--activate", "--json"))["release"]
            if self._live()["content"] != self._contents[catalogue]:
                raise Losses(f"release {built} has another content hash than an undisturbed build")
            self._at = 1 - self._at
        self._check_takedowns()
        self._check_answer(dice.choice(self._ids))
        return stage

    @contextmanager
    def served(self) -> Iterator[None]:
        """A service over the same folder, as long as the block runs."""
        log = self._folder / "serve.log"
        # A fresh worker would load the encoder before it takes over, and no answer here needs one.
        environ = os.environ | {"NEARFIELD_ENCODER": "no encoder"}
        with log.open("w") as lines:
            command = [*_CLI, "serve", "--port", str(_PORT)]
            service = subprocess.Popen(command, cwd=self._folder, stderr=lines, env=environ)
        try:
            while "serves release" not in log.read_text():
                if service.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.1)
            yield
        finally:
            service.terminate()
            service.wait()

    def _check_answer(self, seed_id: str) -> None:
        """What the service answers now is right for the release that it says it answers from."""
        asked = {"seeds": [{"id": seed_id}], "context": {"market": _MARKET}, "limit": _LIMIT}
        if seed_id in self._taken:
            return
        connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=30)
        connection.request("POST", "/v1/similar", json.dumps(asked), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if response.status == http.client.BAD_REQUEST and seed_id in json.dumps(answer):
            # The newer catalogue lacks some rows.
            return
        if response.status != http.client.OK:
            raise Losses(f"the service answers {response.status}: {answer}")
        context = RequestContext(market=_MARKET, at_s=int(time.time()))
        exact = Exact(self._shown(answer["release"]), context)
        wrong = difference(answer["hits"], exact.nearest(seed_id, _LIMIT))
        if wrong:
            raise Losses(f"the service's answer to {seed_id} on {answer['release']} is wrong: {wrong}")
        self.num_answers += 1

    def _shown(self, release_id: str) -> Shown:
        return shown(self._settings, release_id)

    def _other(self, live: str) -> str:
        """The release that was live before."""
        status = json.loads(self._command("index", "status", "--json"))
        return next((one["id"] for one in reversed(status["releases"]) if one["id"] != live), live)

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
            return _ENDED
        stages = [json.loads(line).get("stage") for line in told.splitlines() if line.startswith("{")]
        return next((stage for stage in reversed(stages) if stage), "starting, or between stages")

    def _check_takedowns(self) -> None:
        listed = json.loads(self._command("index", "takedowns", "--json"))["takedowns"]
        lost = set(self._taken) - {takedown["id"] for takedown in listed}
        if lost:
            raise Losses(f"takedowns were lost: {sorted(lost)}")

    def _timed(self, *arguments: str) -> float:
        started = time.monotonic()
        self._command(*arguments)
        return time.monotonic() - started

    def _live(self) -> dict[str, Any]:
        status = json.loads(self._command("index", "status", "--json"))
        live: dict[str, Any] = next(one for one in status["releases"] if one["id"] == status["live"])
        return live

    def _command(self, *arguments: str) -> str:
        done = subprocess.run([*_CLI, *arguments], cwd=self._folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Losses(f"nearfield {' '.join(arguments[:3])} failed: {done.stderr.strip()[-500:]}")
        return done.stdout


if __name__ == "__main__":
    main()
