"""A changed, missing or added byte of a release is found and named."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from embedding.durable_files import write_durably
from embedding.errors import DamagedError
from indexing.errors import ReleaseMissingError
from indexing.release.manifest import (
    FILES,
    FORMAT,
    MANIFEST,
    hash_files,
    read_manifest,
    verify_files,
)
from tests.indexing.made_manifest import made_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "r1"
    for name, data in {"columns/a.bin": b"one", "points/segments/b.bin": b"two", "users/c.npy": b""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    files = msgspec.json.encode(hash_files(folder, ("columns", "points", "users")))
    (folder / FILES).write_bytes(files)
    manifest = made_manifest("r1", hashlib.sha256(files).hexdigest())
    write_durably(folder / MANIFEST, msgspec.json.encode(manifest))
    return folder


def test_what_a_serving_process_is_just_writing_is_not_damage(folder: Path) -> None:
    half_written = folder / "points" / "segments" / ".atomicwriteCDefCl" / "tmpfile.tmp"
    half_written.parent.mkdir()
    half_written.write_bytes(b"{")
    verify_files(folder, read_manifest(folder))


def test_an_untouched_release_passes(folder: Path) -> None:
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert manifest.id == "r1"
    assert sorted(path.name for path in folder.iterdir()) == ["columns", FILES, MANIFEST, "points", "users"]


@pytest.mark.parametrize("name", ["columns/a.bin", "points/segments/b.bin", "users/c.npy"])
def test_a_changed_byte_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"onE")
    with pytest.raises(DamagedError, match=name):
        verify_files(folder, read_manifest(folder))


def test_a_missing_and_an_added_file_are_named(folder: Path) -> None:
    manifest = read_manifest(folder)
    (folder / "columns" / "new.bin").write_bytes(b"")
    with pytest.raises(DamagedError, match=r"columns/new\.bin.*none \(no such file\)"):
        verify_files(folder, manifest)
    (folder / "columns" / "new.bin").unlink()
    (folder / "columns" / "a.bin").unlink()
    with pytest.raises(DamagedError, match=r"columns/a\.bin.*it is missing"):
        verify_files(folder, manifest)


def test_a_changed_list_of_files_is_noticed(folder: Path) -> None:
    (folder / FILES).write_bytes(b"{}")
    with pytest.raises(DamagedError, match="not the one that the manifest names"):
        verify_files(folder, read_manifest(folder))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format": 1', b"\xff\xfe"])
def test_a_damaged_manifest_is_said_to_be_so(folder: Path, data: bytes) -> None:
    (folder / MANIFEST).write_bytes(data)
    with pytest.raises(DamagedError, match=r"manifest\.json is damaged"):
        read_manifest(folder)


def test_a_later_format_is_refused(folder: Path) -> None:
    changed = msgspec.structs.replace(read_manifest(folder), format=FORMAT + 1)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(changed))
    with pytest.raises(DamagedError, match=f"has format {FORMAT + 1}"):
        read_manifest(folder)


def test_no_manifest_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(ReleaseMissingError, match="no finished release 'r2'"):
        read_manifest(tmp_path / "r2")
