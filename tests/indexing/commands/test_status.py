"""What `nearfield index status` says after a build or a sync that did not reach its end, in files and in a database."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embedding.errors import NearfieldError
from indexing.building import compaction
from indexing.settings import IndexingSettings
from indexing.state.open import open_state
from service.cli import nearfield
from tests.embedding.rows.row_cases import good, jsonl, write_jsonl
from tests.postgres_server import shared_server

GOOD = [good(id=f"ok-{number}", title=f"Title {number}") for number in range(104)]
# A hundred rows fewer may be meant, a hundred and one not.
FEW = GOOD[:3]


class Typed:
    """A folder in which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(nearfield, words)

    def refused(self, *words: str) -> str:
        """The error that the command ended with."""
        done = self(*words)
        assert isinstance(done.exception, NearfieldError), done.output
        return str(done.exception)

    def status(self) -> tuple[str, dict[str, Any]]:
        return self("index", "status").stdout, json.loads(self("index", "status", "--json").stdout)


@pytest.fixture(params=["files", "database"])
def typed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.chdir(tmp_path)
    if request.param == "database":
        url = shared_server().new_database()
        (tmp_path / "nearfield.toml").write_text(f'state_url = "{url}"\nhost_name = "one"\n')
    return Typed(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (jsonl([*FEW, good(id="bad", kind="song")]), "max_reject_share"),
        (jsonl([good(kind="song")]), "not one good row"),
        (gzip.compress(jsonl(GOOD))[:-8], "ends early"),
    ],
    ids=["too many bad", "none good", "damaged"],
)
def test_after_a_refused_build_none_is_running_or_unfinished(typed: Typed, content: bytes, why: str) -> None:
    name = "c.jsonl" if content.startswith(b"{") else "c.jsonl.gz"
    (typed.folder / name).write_bytes(content)
    assert why in typed.refused("index", "build", name)
    printed, told = typed.status()
    assert "running" not in printed
    assert "unfinished" not in printed
    assert told["unfinished"] == []
    assert list((typed.folder / ".nearfield" / "releases").glob("r*")) == []


def test_after_a_build_or_a_sync_that_a_gate_refused_none_is_running(typed: Typed) -> None:
    write_jsonl(typed.folder / "c.jsonl", GOOD)
    assert typed("index", "build", "c.jsonl", "--activate").exit_code == 0
    write_jsonl(typed.folder / "few.jsonl", FEW)
    assert "removed" in typed.refused("index", "sync", "few.jsonl")
    printed, told = typed.status()
    assert "running" not in printed
    assert told["unfinished"] == []
    # What is encoded is not thrown away: it may be forced.
    assert "--force" in typed.refused("index", "build", "few.jsonl")
    printed, told = typed.status()
    assert "running" not in printed
    assert f"{told['unfinished'][0]} is unfinished: the next build of the same inputs goes on with it" in " ".join(
        printed.split()
    )
    assert typed("index", "build", "few.jsonl", "--force").exit_code == 0
    assert typed.status()[1]["unfinished"] == []


def test_a_compaction_that_failed_leaves_nothing(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jsonl(typed.folder / "c.jsonl", GOOD)
    assert typed("index", "build", "c.jsonl", "--activate").exit_code == 0

    async def fail(*_: object) -> None:
        raise NearfieldError("the disk is full")

    monkeypatch.setattr(compaction, "rewrite_points", fail)
    assert "the disk is full" in typed.refused("index", "compact")
    printed, told = typed.status()
    assert "running" not in printed
    assert told["unfinished"] == []
    assert len(list((typed.folder / ".nearfield" / "releases").glob("r*"))) == 1


def test_while_one_is_at_work_it_is_said_who(typed: Typed) -> None:
    settings = IndexingSettings(data_dir=typed.folder / ".nearfield")
    if (typed.folder / "nearfield.toml").exists():
        url = (typed.folder / "nearfield.toml").read_text().split('"')[1]
        settings = IndexingSettings(data_dir=typed.folder / ".nearfield", state_url=url, host_name="one")

    async def work() -> None:
        state = open_state(settings)
        async with state.build_lock():
            printed, told = await asyncio.to_thread(typed.status)
            assert f"a build, a compaction or a sync is running: {told['at_work']}" in " ".join(printed.split())
            assert told["at_work"].startswith(("process ", "host one, since "))
        await state.close()

    asyncio.run(work())
    assert typed.status()[1]["at_work"] is None
