"""A release goes through the store from host to host, whole or not at all, and nothing is sent twice."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from embedding.errors import BusyError, DamagedError, MismatchError, UsageError
from indexing.errors import ReleaseMissingError, ReleaseStoreError
from indexing.releases.half_pulls import half_pull
from indexing.releases.known_lines import State, lines_path, load_lines
from indexing.releases.pull import ensure_local, pull_release, wanted_release
from indexing.releases.release_store import open_release_store
from indexing.releases.workspace import Workspace
from tests.indexing.release_worlds import QUIET
from tests.indexing.releases.stored_worlds import CONTENT, Host, in_state, make_release, tree

NUM_FILES = len(CONTENT) + len(("files.json", "manifest.json", "plans", "lines", "state of lines"))


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty release store of each kind."""
    if request.param == "memory":
        yield f"memory://{uuid4().hex}"
    else:
        (tmp_path / "store").mkdir()
        yield str(tmp_path / "store")


@pytest.fixture
def builder(place: str, tmp_path: Path) -> Host:
    """A host that has release r1."""
    make_release(tmp_path / "builder", "r1")
    return Host(tmp_path / "builder", place)


@pytest.fixture
def other(place: str, tmp_path: Path) -> Host:
    """A host that has none."""
    return Host(tmp_path / "other", place)


def test_what_is_pulled_is_what_was_pushed(builder: Host, other: Host) -> None:
    pushed = builder.push("r1")
    assert (pushed.release, pushed.num_files) == ("r1", NUM_FILES)
    # The two empty files have one content.
    assert pushed.sent_files == NUM_FILES - 1
    assert pushed.num_bytes == pushed.sent_bytes == sum(map(len, tree(builder.data_dir).values()))
    pulled = other.pull("r1")
    assert (pulled.num_files, pulled.fetched_files) == (NUM_FILES, NUM_FILES - 1)
    assert pulled.num_bytes == pulled.fetched_bytes == pushed.num_bytes
    assert tree(other.data_dir) == tree(builder.data_dir)
    assert list((other.data_dir / "pulls").iterdir()) == []
    assert load_lines(lines_path(other.data_dir, "r1"), State.of("r1", 0)) is not None


def test_holes_stay_holes(builder: Host, other: Host, place: str) -> None:
    builder.push("r1")
    other.pull("r1")
    page = "points/segments/page.dat"
    paths = [other.data_dir / "releases" / "r1" / page]
    if not place.startswith("memory"):
        paths += [path for path in Path(place).rglob("*") if path.stat().st_size == len(CONTENT[page])]
    for path in paths:
        assert path.stat().st_size == len(CONTENT[page])
        assert path.stat().st_blocks * 512 < 1 << 20


def test_nothing_is_sent_or_fetched_twice(builder: Host, other: Host) -> None:
    builder.push("r1")
    assert builder.push("r1").sent_files == 0
    other.pull("r1")
    assert other.pull("r1").fetched_files == 0
    # Two releases that share files each have them: one may go without the other.
    make_release(builder.data_dir, "r2")
    assert builder.push("r2").sent_bytes > len(CONTENT["columns/tower.npy"])


def test_ensure_local_pulls_once(builder: Host, other: Host) -> None:
    builder.push("r1")
    other.work(lambda workspace: ensure_local(workspace, "r1"))
    (builder.data_dir / "releases" / "r1" / "manifest.json").unlink()
    other.work(lambda workspace: ensure_local(workspace, "r1"))
    assert (other.data_dir / "releases" / "r1" / "manifest.json").is_file()


def test_where_nothing_is_live_the_newest_is_wanted(builder: Host, other: Host) -> None:
    with pytest.raises(ReleaseMissingError, match="There is no release in the release store"):
        other.work(wanted_release)
    make_release(builder.data_dir, "r2")
    builder.push("r2")
    builder.push("r1")
    assert other.work(wanted_release) == "r2"


@pytest.mark.parametrize("name", ["r7", "", "..", "../r1", "r1/objects"])
def test_an_unknown_release_names_those_that_are_there(builder: Host, other: Host, name: str) -> None:
    builder.push("r1")
    with pytest.raises(ReleaseMissingError, match=r"There is no release .* there are: r1\. On a host that has it"):
        other.pull(name)
    with pytest.raises(ReleaseMissingError, match="there are: r1"):
        builder.push(name)


def test_what_is_measured_later_follows(builder: Host, other: Host) -> None:
    builder.push("r1")
    plans = builder.data_dir / "plans" / "r1"
    (plans / "0123.json").write_bytes(b'{"plans": "measured again"}')
    (plans / "4567.json").write_bytes(b"{}")
    assert builder.push("r1").sent_files == 2
    other.pull("r1")
    assert tree(other.data_dir) == tree(builder.data_dir)
    # A host that measured nothing takes nothing away.
    for path in (other.data_dir / "plans" / "r1").iterdir():
        path.unlink()
    pushed = other.push("r1")
    assert (pushed.num_files, pushed.sent_files) == (NUM_FILES + 1, 0)


def test_the_newest_plans_stay_the_newest(builder: Host, other: Host) -> None:
    plans = builder.data_dir / "plans" / "r1"
    names = ["c", "a", "d", "b"]
    for age, name in enumerate(names):
        (plans / f"{name}.json").write_bytes(b"{}")
        os.utime(plans / f"{name}.json", ns=(age, age))
    builder.push("r1")
    other.pull("r1")
    there = other.data_dir / "plans" / "r1"
    assert sorted(names, key=lambda name: (there / f"{name}.json").stat().st_mtime_ns) == names


def test_lines_that_a_sync_is_replacing_are_left_out(builder: Host, other: Host) -> None:
    lines = lines_path(builder.data_dir, "r1")
    lines.write_bytes(lines.read_bytes() + b"of tomorrow")
    assert builder.push("r1").num_files == NUM_FILES - 2
    other.pull("r1")
    assert not (other.data_dir / "lines").exists()


def test_the_engine_may_write_its_configuration_anew_meanwhile(builder: Host, other: Host) -> None:
    builder.push("r1")
    config = builder.data_dir / "releases" / "r1" / "points" / "edge_config.json"
    config.write_bytes(b'{"b": 2, "a": 1}')
    assert builder.push("r1").sent_files == 1
    other.pull("r1")
    assert tree(other.data_dir) == tree(builder.data_dir)


def test_a_release_is_never_overwritten(builder: Host, other: Host) -> None:
    builder.push("r1")
    there = make_release(other.data_dir, "r1", CONTENT | {"columns/tower.npy": b"other vectors"})
    with pytest.raises(MismatchError, match=r"has a release r1 with other content: .* \w{64}.* \w{64}"):
        other.push("r1")
    assert other.pull("r1").fetched_files == 0
    assert there.id == "r1"


def test_of_two_who_push_other_content_at_once_one_is_refused(builder: Host, other: Host) -> None:
    store = open_release_store(builder.settings)
    builder.push("r1")
    listing = store.listing("r1")
    changed = listing.files | {"releases/r1/manifest.json": msgspec.structs.replace(listing.manifest, num_bytes=1)}
    # It had looked when nothing was there yet.
    with pytest.raises(MismatchError, match="other content"):
        store.publish(msgspec.structs.replace(listing, files=changed))
    assert store.listing("r1") == listing
    assert other.pull("r1").num_files == NUM_FILES


def test_a_release_of_another_state_is_refused_by_name(builder: Host, other: Host) -> None:
    builder.push("r1")
    in_state(other.data_dir, "88aa")
    with pytest.raises(MismatchError, match=r"Release r1 .* belongs to state 7c0f, this host works on state 88aa"):
        other.pull("r1")
    in_state(builder.data_dir, "88aa")
    with pytest.raises(MismatchError, match="belongs to state 7c0f"):
        builder.push("r1")
    assert not (other.data_dir / "releases").exists()


def test_points_must_be_where_the_host_looks(builder: Host, other: Host) -> None:
    content = {name: data for name, data in CONTENT.items() if not name.startswith("points")}
    make_release(builder.data_dir, "r2", content)
    builder.push("r2")
    with pytest.raises(MismatchError, match="Release r2 was built on a Qdrant server"):
        other.pull("r2")
    builder.push("r1")

    async def over_server(workspace: Workspace) -> None:
        settings = msgspec.structs.replace(workspace.settings, qdrant_url="http://qdrant:6333")
        await pull_release(msgspec.structs.replace(workspace, settings=settings), "r1", QUIET)

    with pytest.raises(MismatchError, match=r"Release r1 was built embedded: .* looks for them on http://qdrant:6333"):
        other.work(over_server)


def test_a_damaged_release_is_not_pushed(builder: Host, other: Host) -> None:
    path = builder.data_dir / "releases" / "r1" / "columns" / "tower.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedError, match=r"tower\.npy should have SHA-256"):
        builder.push("r1")
    assert open_release_store(other.settings).ids() == []


def test_one_pull_at_a_time(builder: Host, other: Host) -> None:
    builder.push("r1")
    with half_pull(other.data_dir, "r1"), pytest.raises(BusyError, match="Another process is pulling release r1 into"):
        other.pull("r1")
    other.pull("r1")


def test_what_was_sent_must_be_there(builder: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexing.releases.objects.Objects.put", lambda *_: None)
    monkeypatch.setattr("indexing.releases.objects.FolderObjects.put", lambda *_: None)
    with pytest.raises(ReleaseStoreError, match=f"{NUM_FILES - 1} files of release r1 were sent .* and are not there"):
        builder.push("r1")
    assert open_release_store(builder.settings).ids() == []


def test_without_a_store_it_says_what_to_set(tmp_path: Path) -> None:
    host = Host(tmp_path, "nowhere")
    host.settings = msgspec.structs.replace(host.settings, release_store=None)
    with pytest.raises(UsageError, match=r"`release_store` in nearfield\.toml should be a folder, or an address"):
        host.push("r1")
