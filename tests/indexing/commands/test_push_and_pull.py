"""The commands `nearfield index push` and `nearfield index pull`, as typed on two hosts."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from embedding.errors import UsageError
from indexing.commands.index import index
from indexing.errors import NoLiveReleaseError, ReleaseMissingError
from tests.indexing.releases.stored_worlds import Host, make_release, tree


def typed(host: Host, *words: str) -> Result:
    return CliRunner().invoke(index, words, obj=host.settings)


@pytest.fixture
def builder(tmp_path: Path) -> Host:
    (tmp_path / "store").mkdir()
    make_release(tmp_path / "builder", "r1")
    return Host(tmp_path / "builder", tmp_path / "store")


@pytest.fixture
def other(tmp_path: Path) -> Host:
    return Host(tmp_path / "other", tmp_path / "store")


def test_a_release_is_typed_from_host_to_host(builder: Host, other: Host) -> None:
    pushed = json.loads(typed(builder, "push", "r1", "--json").stdout)
    assert pushed == {
        "release": "r1",
        "store": builder.settings.release_store,
        "num_files": 10,
        "num_bytes": pushed["num_bytes"],
        "sent_files": 9,
        "sent_bytes": pushed["num_bytes"],
    }
    pulled = typed(other, "pull", "--progress", "json")
    assert pulled.stdout.startswith("r1 is here: 10 files of 3.4 MB, of which 3.4 MB were fetched")
    events = [json.loads(line) for line in pulled.stderr.splitlines()]
    assert [event["stage"] for event in events if event["event"] == "start"] == [
        *("look at what is here", "fetch bytes", "check every byte"),
    ]
    assert (
        next(event["done"] for event in events if event["event"] == "end" and event["stage"] == "fetch bytes")
        == (pushed["num_bytes"])
    )
    assert tree(other.data_dir) == tree(builder.data_dir)
    again = json.loads(typed(other, "pull", "r1", "--json").stdout)
    assert (again["fetched_files"], again["num_files"]) == (0, 10)


def test_verify_says_what_it_mends(builder: Host, tmp_path: Path) -> None:
    typed(builder, "push", "r1")
    path = max((tmp_path / "store" / "r1" / "objects").iterdir(), key=lambda path: path.stat().st_size)
    path.write_bytes(bytes(path.stat().st_size))
    said = typed(builder, "push", "r1", "--verify", "--progress", "json")
    assert f"{path.name} was damaged in the release store: it is sent again" in said.stderr
    assert "of which 3.1 MB were sent" in said.stdout


def test_what_cannot_be_is_refused(builder: Host, other: Host) -> None:
    assert isinstance(typed(builder, "push").exception, NoLiveReleaseError)
    assert isinstance(typed(other, "pull").exception, ReleaseMissingError)
    other.settings = msgspec.structs.replace(other.settings, release_store=None)
    assert isinstance(typed(other, "pull", "r1").exception, UsageError)
    assert isinstance(typed(other, "pull").exception, UsageError)
