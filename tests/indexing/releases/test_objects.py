"""What a release store asks of the place where its files lie, of a folder, of memory, and of S3 where it is at hand."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fsspec.core import url_to_fs

from indexing.errors import ReleaseStoreError
from indexing.releases.objects import FolderObjects, Objects

HAS_S3 = find_spec("s3fs") is not None and find_spec("moto") is not None


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 server on this machine."""
    if not HAS_S3:
        pytest.skip("needs the packages s3fs and moto[server]")
    server = threaded_server()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        url_to_fs("s3://songs")[0].mkdir("songs")
        yield "s3://songs"
    server.stop()


def threaded_server() -> Any:
    server = import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    return server


@pytest.fixture(params=["folder", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return folder_at(tmp_path / "store")
    place = request.getfixturevalue("bucket") if request.param == "s3" else "memory:/"
    file_system, root = url_to_fs(f"{place}/{uuid4().hex}")
    return Objects(file_system, root, "a bucket")


def folder_at(path: Path) -> FolderObjects:
    return FolderObjects(url_to_fs(str(path))[0], str(path), "the place")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(b"\0" * 70_000 + b"data" + b"\0" * 3_000_000)
    return tmp_path / "source"


def test_what_was_put_is_there(objects: Objects, source: Path) -> None:
    told: list[int] = []
    objects.put("r1/objects/a", source, told.append)
    assert sum(told) == source.stat().st_size
    assert objects.read("r1/objects/a") == source.read_bytes()
    assert objects.read("r1/objects/a", 69_999, 70_005) == b"\0data\0"
    assert objects.sizes("r1/objects") == {"a": source.stat().st_size}
    assert objects.sizes("r1") == {"objects/a": source.stat().st_size}
    source.write_bytes(b"shorter")
    objects.put("r1/objects/a", source, told.append)
    assert objects.read("r1/objects/a") == b"shorter"


def test_what_is_not_there_is_nothing(objects: Objects) -> None:
    assert objects.read("r1/release.json") is None
    assert objects.sizes("r1/objects") == {}
    assert objects.folders() == []
    assert objects.changed_at("r1/release.json") is None
    objects.remove("r1")


def test_of_two_who_create_one_does(objects: Objects) -> None:
    assert objects.create("r1/release.json", b"one")
    assert not objects.create("r1/release.json", b"two")
    assert objects.read("r1/release.json") == b"one"
    objects.replace("r1/release.json", b"three")
    assert objects.read("r1/release.json") == b"three"
    assert objects.sizes("r1") == {"release.json": 5}


def test_folders_are_listed_anew(objects: Objects, source: Path) -> None:
    objects.put("r2/objects/a", source, lambda _: None)
    objects.create("readme.txt", b"no release")
    assert objects.folders() == ["r2"]
    objects.create("r1/release.json", b"{}")
    assert objects.folders() == ["r1", "r2"]
    objects.remove("r2")
    assert objects.folders() == ["r1"]
    assert objects.sizes("r2") == {}


def test_it_says_when_a_file_was_written(objects: Objects) -> None:
    objects.create("r1/release.json", b"{}")
    found = objects.changed_at("r1/release.json")
    assert found is not None
    assert abs(datetime.now(UTC) - found) < timedelta(minutes=5)


def test_a_refusal_is_told_in_the_words_of_the_file_system(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    objects = folder_at(tmp_path / "file")
    with pytest.raises(
        ReleaseStoreError, match="The release store the place could not write r1/objects/a: NotADirecto"
    ):
        objects.put("r1/objects/a", source, lambda _: None)
    with pytest.raises(ReleaseStoreError, match=r"could not write r1/release\.json: NotADirectory"):
        objects.create("r1/release.json", b"")


def test_a_disk_that_is_full_is_told(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    objects = folder_at(tmp_path / "store")
    monkeypatch.setattr("indexing.releases.holes.write_with_holes", full)
    with pytest.raises(ReleaseStoreError, match="No space left on device"):
        objects.put("r1/objects/a", source, lambda _: None)
    assert objects.read("r1/objects/a") is None


def test_many_who_put_one_file_at_once(source: Path, tmp_path: Path) -> None:
    source.write_bytes(os.urandom(4 << 20))
    objects = folder_at(tmp_path / "store")
    putting = [threading.Thread(target=objects.put, args=("r1/objects/a", source, lambda _: None)) for _ in range(8)]
    for thread in putting:
        thread.start()
    for thread in putting:
        thread.join()
    assert objects.read("r1/objects/a") == source.read_bytes()
    assert [path.name for path in (tmp_path / "store" / "r1" / "objects").iterdir()] == ["a"]


def test_fsspec_is_loaded_where_a_store_is_set_alone() -> None:
    program = (
        "import sys, indexing.commands.index, indexing.releases.pull, indexing.releases.push, "
        "indexing.releases.store_retention; sys.exit('fsspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
