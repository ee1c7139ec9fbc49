"""A service whose journal has grown has it compacted, beside the release that goes on answering."""

import asyncio
import http.client
import json
from pathlib import Path
from typing import Any

import msgspec

from indexing.journal.replay import current_rows
from indexing.releases.releases import Releases
from indexing.state.files import FilesState
from indexing.state.records import Put
from indexing.stores.edge import EdgeStore
from service.changes.compactor import Compactor
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.workers.serving_processes import eventually
from tests.service.workers.test_serving_releases import BODY, GONE, fresh, serving
from tests.service.world import make_items

# Just above what is compacted whatever its share.
NUM_MANY = 1_100


def journal_many(data_dir: Path) -> None:
    """Put rows with the vectors of one that is there."""
    releases = Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir))
    log = FilesState(data_dir)

    async def work() -> None:
        live = await current_rows(releases.open(await releases.live_id()), log)
        vector = live.vectors("text", [live.row_of(GONE)])[0].tobytes()
        item = next(item for item in make_items() if item.id == GONE)
        text = {live.release.manifest.encoder_hash or "": vector}
        puts = [Put(msgspec.structs.replace(item, id=f"{GONE}-{n}"), text, {}) for n in range(NUM_MANY)]
        await log.append(puts)

    asyncio.run(work())


def recordings(answer: dict[str, Any]) -> list[str]:
    """What was found; any of the many may stand for their one recording, as they are all equally near."""
    return [GONE if hit["id"].startswith(f"{GONE}-") else hit["id"] for hit in answer["hits"]]


def test_a_change_over_http_has_a_grown_journal_compacted(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copied(text_world, data_dir)
    with serving(tmp_path) as (_, port):
        journal_many(data_dir)
        before = json.loads(fresh(port, "/v1/similar", BODY))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("DELETE", "/v1/items/jazz-1", headers={"Authorization": "Bearer s3cret"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200
        answers: list[dict[str, Any]] = []

        def compacted() -> bool:
            # While the old worker hands over, either may answer.
            answers.append(json.loads(fresh(port, "/v1/similar", BODY)))
            return bool(answers[-1]["release"] != before["release"])

        # Each look is a query over a thousand rows of the journal, on the cores that the compaction wants.
        eventually(compacted, 300, every_s=0.3)
        after = answers[-1]
        assert recordings(after) == recordings(before)
        assert after["revision"] == 0
        # What was compacted is held on, for pages that were begun on it.
        pinned_body = json.dumps({**json.loads(BODY), "release": before["release"]}).encode()
        pinned = json.loads(fresh(port, "/v1/similar", pinned_body))
        assert recordings(pinned) == recordings(before)


def test_one_compaction_at_a_time_and_a_pause_after_one_that_failed(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copied(text_world, data_dir)
    journal_many(data_dir)
    started: list[int] = []

    async def work() -> None:
        releases = Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir))
        live = await current_rows(releases.open(await releases.live_id()), FilesState(data_dir))
        done = asyncio.Event()

        async def compact() -> str:
            started.append(1)
            await done.wait()
            return "the disk is full"

        compactor = Compactor(Settings(data_dir=data_dir), FilesState(data_dir), compact)
        for _ in range(3):
            compactor.look(live)
            await asyncio.sleep(0)
        done.set()
        await asyncio.sleep(0.01)
        compactor.look(live)
        await asyncio.sleep(0.01)
        small = await current_rows(live.release, FilesState(tmp_path / "another"))
        other = Compactor(Settings(data_dir=data_dir), FilesState(data_dir), compact)
        other.look(small)
        await asyncio.sleep(0.01)

    asyncio.run(work())
    assert started == [1]
