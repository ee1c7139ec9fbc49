"""Which place the setting means, and what is said where it cannot be used."""

import importlib
import sys
from pathlib import Path

import pytest

from embedding.errors import UsageError
from indexing.releases.release_store import open_release_store
from indexing.settings import IndexingSettings, StorePlace


def opened(place: str) -> str:
    """The name of the store."""
    return open_release_store(IndexingSettings(release_store=StorePlace(place))).name


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (
            "s3://bucket/nearfield",
            f"Install s3fs to access S3. Install it: {sys.executable} -m pip install 'nearfield[s3]'",
        ),
        (
            "gs://bucket",
            f"Please install gcsfs to access Google Storage. Install it: {sys.executable} -m pip install gcsfs",
        ),
        ("sftp://host/folder", 'requires "paramiko" to be installed. Install what it names: '),
        ("s4://bucket", "Protocol not known: s4. fsspec knows "),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, told: str) -> None:
    # Below the working folder the interpreter is named by a relative path.
    monkeypatch.chdir(tmp_path)
    for package in ("s3fs", "gcsfs", "paramiko"):
        monkeypatch.setitem(sys.modules, package, None)
    # What another test has loaded stays there.
    loaded = importlib.import_module("fsspec.registry")._registry
    monkeypatch.delitem(loaded, place.split("://")[0], raising=False)
    with pytest.raises(UsageError) as raised:
        opened(place)
    assert str(raised.value).startswith(f"release_store: {place} cannot be used: ")
    assert told in str(raised.value)


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"expected a folder, came {tmp_path / 'missing'}, which is none"):
        opened(str(tmp_path / "missing"))
    assert opened(str(tmp_path)) == opened(f"file://{tmp_path}") == str(tmp_path)


def test_a_password_is_not_shown() -> None:
    assert opened("memory://me:secret@host/folder/") == "memory://host/folder"
    # What urllib takes for half of an address of IPv6.
    assert opened("memory://me:secret@[host/folder/") == "memory://[host/folder"


def test_relative_folders_count_from_where_they_are_named(tmp_path: Path) -> None:
    assert StorePlace.named("store", tmp_path) == str(tmp_path / "store")
    assert StorePlace.named("/mnt/store", tmp_path) == "/mnt/store"
    assert StorePlace.named("s3://bucket/prefix", tmp_path) == "s3://bucket/prefix"
