"""The whole service under its clients: releases change, and no request fails."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from benchmarks.load_clients import Load
from embedding.progress import Reporter
from embedding.row_files import RowFiles
from indexing.build import BuildInputs
from indexing.build_run import build_from_settings
from indexing.edge_store import EdgeStore
from indexing.releases import Releases
from indexing.settings import IndexingSettings
from tests.service.serving_processes import eventually, free_port
from tests.service.world import make_items

GONE = "metal-3"
# Its rows do not change, so that what answers can be told from the answer alone.
BODY = json.dumps({"seeds": [{"id": "metal-1"}], "limit": 50}).encode()


def build_without(item_id: str, world: Path, data_dir: Path) -> str:
    """Build, and do not activate, a release that lacks one item; its id."""
    with RowFiles(data_dir / "smaller") as files:
        files.write_items("catalogue.jsonl", [item for item in make_items() if item.id != item_id])
    inputs = BuildInputs(catalogue=data_dir / "smaller" / "catalogue.jsonl")
    settings = IndexingSettings(data_dir=data_dir, cache_dir=world.parent / "vectors")
    return asyncio.run(build_from_settings(inputs, settings, Reporter("none"), activate=False)).id


def test_activate_and_rollback_under_two_workers_fail_no_request(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    shutil.copytree(text_world, data_dir)
    releases = Releases(data_dir, EdgeStore(data_dir / "releases"))
    first, second = asyncio.run(releases.live_id()), build_without(GONE, text_world, data_dir)
    port = free_port()
    # No encoder: a replacement would load it before it takes over, for 6 s that prove nothing here.
    (tmp_path / "nearfield.toml").write_text('data_dir = "data"\ndefault_market = "SE"\nencoder = "no encoder"\n')
    log = tmp_path / "log"
    with log.open("w") as lines:
        main = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from service.cli import main; main()",
                "serve",
                "--workers",
                "2",
                "--port",
                str(port),
            ],
            cwd=tmp_path,
            stderr=lines,
        )
    try:
        eventually(lambda: f"serves release {first} on http://127.0.0.1:{port} with 2 workers" in log.read_text(), 60)
        load = Load(port, "/v1/similar", BODY)
        with load.running(num_kept=2, num_fresh=2):
            for live, switch in ((second, releases.activate(second)), (first, releases.rollback())):
                asyncio.run(switch)
                eventually(lambda: all(release == live for release, _ in _ask_many(port)), 90)  # noqa: B023
        assert load.failures == []
        answers = [
            (answer["release"], GONE in {hit["id"] for hit in answer["hits"]})
            for answer in map(json.loads, load.answers)
        ]
        # The row is there in the release that has it, and only there; and both were seen.
        assert set(answers) == {(first, True), (second, False)}
        main.send_signal(signal.SIGTERM)
        assert main.wait(timeout=30) == 0
    finally:
        if main.poll() is None:
            main.kill()
            main.wait()


def _ask_many(port: int) -> list[tuple[str, int]]:
    """Release and number of hits of answers on connections of their own, enough to reach both workers."""
    found = []
    for _ in range(22):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/similar", BODY, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = json.loads(answer.read())
        found.append((content["release"], len(content["hits"])))
    return found
