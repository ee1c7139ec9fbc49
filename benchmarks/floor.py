"""Throughput of `similar` over HTTP beside a bare floor and beside raw engine queries, with recall.

    python -m benchmarks.floor [--items 100000] [--rounds 5] [--seconds 4]

Market, window and explicit rules are on, limit 20. Floor and product run in turn, round by round, so that a noisy
machine disturbs both; the ratio is the median of the rounds. The client is `wrk` (Debian: apt-get install wrk).
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.floor_apps import CONTEXT, FOLDER, LIMIT, PLAN, opened
from benchmarks.world import build_world
from service.listeners import Listeners
from service.live_watch import LiveWatch
from service.supervisor import Pace, Supervisor

DIMS = 64
NUM_BODIES = 1_000
CONNECTIONS = 16
# Applications of benchmarks.floor_apps. The floor asks the engine; the other one asks by the plan of the product, which
# may be a scan of the columns that is several times cheaper than the engine.
_PORTS = {"floor": 18_081, "product": 18_082, "floor_by_plan": 18_083}
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


def main() -> None:
    """Build the world if need be, then measure and print one table for one worker and one for two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("the client `wrk` is not installed; on Debian: apt-get install wrk")
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    build_world(folder, arguments.items, DIMS)
    os.environ[FOLDER] = str(folder)
    console = Console()
    seeds = np.random.default_rng(5).integers(0, arguments.items, NUM_BODIES).tolist()
    with tempfile.TemporaryDirectory() as scratch:
        script = _write_script(Path(scratch), seeds)
        raw = _raw_per_second(seeds)
        for workers in (1, 2):
            with ExitStack() as stack:
                for name, port in _PORTS.items():
                    stack.enter_context(_served(f"benchmarks.floor_apps:build_{name}", port, workers))
                rates = _rounds(script, arguments.rounds, arguments.seconds)
                recall = _recall(seeds[:200]) if workers == 1 else None
            _report(console, workers, rates, raw, recall)


def _bodies(seeds: list[int]) -> list[bytes]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CONTEXT.at_s))
    context = {"market": CONTEXT.market, "at": at, "explicit": CONTEXT.explicit}
    return [
        json.dumps({"seeds": [{"id": f"item:{seed}"}], "limit": LIMIT, "context": context}).encode() for seed in seeds
    ]


def _write_script(folder: Path, seeds: list[int]) -> Path:
    bodies, script = folder / "bodies", folder / "post.lua"
    bodies.write_bytes(b"\n".join(_bodies(seeds)))
    script.write_text(_LUA % bodies)
    return script


def _raw_per_second(seeds: list[int]) -> float:
    """Engine queries of this shape in this process, without HTTP, rules or hits."""
    store, release, rules = opened()
    compiled = rules.compile(CONTEXT)
    vectors = [release.columns.vectors("text")[seed] for seed in seeds]

    async def run() -> float:
        start = time.perf_counter()
        for vector in vectors * 3:
            await store.nearest(release.id, vector, using="text", where=compiled.prepared, limit=LIMIT, plan=PLAN)
        return 3 * len(vectors) / (time.perf_counter() - start)

    return asyncio.run(run())


def _serve(factory: str, port: int, workers: int) -> None:
    watch = LiveWatch(lambda: nullcontext(lambda: "bench"), 3_600.0)
    listeners = Listeners("127.0.0.1", port, workers)
    Supervisor(listeners, factory, {}, watch, lambda _: None, Pace()).run()


@contextmanager
def _served(factory: str, port: int, workers: int) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(factory, port, workers))
    process.start()
    try:
        _until_answering(port, process)
        yield
    finally:
        process.terminate()
        process.join()


def _until_answering(port: int, process: multiprocessing.process.BaseProcess) -> None:
    body = _bodies([0])[0]
    until = time.monotonic() + 120
    while process.is_alive() and time.monotonic() < until:
        try:
            _post(port, body)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the application on port {port} did not answer")


def _post(port: int, body: bytes) -> bytes:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/similar", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def _rounds(script: Path, rounds: int, seconds: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in _PORTS}
    for port in _PORTS.values():
        # Long enough for every body to have been asked, by each worker.
        _requests_per_second(script, port, 4)
    for _ in range(rounds):
        for name, port in _PORTS.items():
            rates[name].append(_requests_per_second(script, port, seconds))
    return rates


def _requests_per_second(script: Path, port: int, seconds: int) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}/v1/similar"], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"requests failed:\n{done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"wrk said something else than expected:\n{done.stdout}")
    return float(found.group(1))


def _recall(seeds: list[int]) -> float:
    """Recall@10 of the product's answers over HTTP against an exact scan of all items that the rules let pass."""
    _, release, rules = opened()
    accepts = rules.compile(CONTEXT).accepts
    allowed = np.array([accepts(release.columns.payload(row)) for row in range(len(release.columns))])
    vectors = release.columns.vectors("text")
    found = 0
    for seed, body in zip(seeds, _bodies(seeds), strict=True):
        scores = np.where(allowed, vectors @ vectors[seed], -np.inf)
        scores[seed] = -np.inf
        tenth = np.partition(scores, -10)[-10]
        hits = json.loads(_post(_PORTS["product"], body))["hits"][:10]
        found += sum(hit["score"] >= tenth - 1e-5 for hit in hits)
    return found / (10 * len(seeds))


def _report(console: Console, workers: int, rates: dict[str, list[float]], raw: float, recall: float | None) -> None:
    table = Table("", "requests/s", "min", "max", title=f"similar, limit {LIMIT}, {workers} worker(s)")
    for name, values in rates.items():
        figures = (statistics.median(values), min(values), max(values))
        table.add_row(name, *(f"{value:,.0f}" for value in figures))
    console.print(table)
    for floor in ("floor", "floor_by_plan"):
        ratio = statistics.median(one / other for one, other in zip(rates["product"], rates[floor], strict=True))
        console.print(f"product / {floor}: {ratio:.3f}", highlight=False)
    per_raw = statistics.median(rates["product"]) / raw
    console.print(f"raw engine queries in one process: {raw:,.0f}/s; product / raw: {per_raw:.3f}", highlight=False)
    if recall is not None:
        console.print(f"recall@10 of the product's answers against an exact scan: {recall:.4f}", highlight=False)


if __name__ == "__main__":
    main()
