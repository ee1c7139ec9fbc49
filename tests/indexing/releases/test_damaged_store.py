"""A byte that was changed in the release store reaches no host: it is named, and can be mended from one that has it."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from embedding.errors import DamagedError
from indexing.releases.release_store import open_release_store
from indexing.releases.stored_listing import Listing, StoredFile, decode_listing, encode_listing
from tests.indexing.releases.stored_worlds import CONTENT, Host, make_release, tree

TOWER = "releases/r1/columns/tower.npy"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def builder(place: Path, tmp_path: Path) -> Host:
    """A host that has pushed r1."""
    make_release(tmp_path / "builder", "r1")
    host = Host(tmp_path / "builder", place)
    host.push("r1")
    return host


@pytest.fixture
def other(place: Path, tmp_path: Path) -> Host:
    return Host(tmp_path / "other", place)


def in_store(host: Host, name: str) -> Path:
    """Where a file of r1 lies."""
    store = open_release_store(host.settings)
    return Path(store.name) / "r1" / "objects" / store.listing("r1").files[name].sha256


def flip(path: Path, place: int = 7) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", [TOWER, "releases/r1/manifest.json", "plans/r1/0123.json", "lines/r1.npy"])
def test_a_changed_byte_is_refused_with_file_and_both_hashes(builder: Host, other: Host, name: str) -> None:
    path = in_store(builder, name)
    flip(path)
    place = re.escape(f"{name}, which lies there as r1/objects/{path.name}")
    expected = rf"{place}, should have SHA-256 {path.name} .* it has \w{{64}}\."
    for _ in range(2):
        with pytest.raises(DamagedError, match=expected) as raised:
            other.pull("r1")
        assert "`nearfield index push r1 --verify`" in str(raised.value)
        assert not (other.data_dir / "releases").exists()
    # A plain push does not read back what is there; this one does, and mends it.
    assert builder.push("r1").sent_files == 0
    assert builder.push("r1", verify=True).sent_files == 1
    other.pull("r1")
    assert tree(other.data_dir) == tree(builder.data_dir)


@pytest.mark.parametrize(
    ("damage", "came"),
    [
        (Path.unlink, "none: it is not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), f"{len(CONTENT['columns/tower.npy']) - 1} bytes"),
    ],
)
def test_a_missing_or_short_file_is_told_before_anything_is_fetched(
    builder: Host, other: Host, damage: Callable[[Path], object], came: str
) -> None:
    damage(in_store(builder, TOWER))
    with pytest.raises(DamagedError, match=rf"tower\.npy.*it has {came}"):
        other.pull("r1")
    assert list((other.data_dir / "pulls" / "r1").iterdir()) == []
    assert builder.push("r1").sent_files == 1
    other.pull("r1")


def test_any_changed_byte_of_the_listing_is_found(builder: Host) -> None:
    data = open_release_store(builder.settings).listing("r1")
    whole = encode_listing(data)
    for place in range(0, len(whole), 13):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(DamagedError, match="the store"):
            decode_listing(bytes(changed), "r1", "the store")
    assert decode_listing(whole, "r1", "the store") == data


def test_a_damaged_listing_is_named(builder: Host, other: Host, place: Path) -> None:
    flip(place / "r1" / "release.json", 120)
    with pytest.raises(DamagedError, match=rf"{place}/r1/release\.json should list the files of release r1.*Remove it"):
        other.pull("r1")
    (place / "r1" / "release.json").unlink()
    assert builder.push("r1").sent_files == 0
    other.pull("r1")


FILE = StoredFile("0" * 64, 1)


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "releases/r1/../../up", "releases/r2/columns/a.npy", "activations.jsonl", "lines/r2.npy"),
        *("releases/r1//a", "releases/r1/", "./releases/r1/a", "plans/r1", "journal/changes.log", ""),
    ],
)
def test_a_listing_says_nothing_of_other_files(name: str) -> None:
    files = {"releases/r1/manifest.json": FILE, name: FILE}
    with pytest.raises(DamagedError, match=f"it has a file {name!r}, which is no part of the release"):
        decode_listing(encode_listing(Listing(release="r1", state="", files=files)), "r1", "the store")


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        (Listing(release="r2", state="", files={}), "it is of release 'r2'"),
        (Listing(release="r1", state="", files={"plans/r1/a.json": FILE}), "it has no manifest"),
        (
            Listing(release="r1", state="", files={"releases/r1/manifest.json": StoredFile("../../x", 1)}),
            "matching regex",
        ),
    ],
)
def test_a_listing_that_cannot_be_one_is_refused(listing: Listing, told: str) -> None:
    with pytest.raises(DamagedError, match=re.escape(told)):
        decode_listing(encode_listing(listing), "r1", "the store")


def test_a_listing_of_a_later_format_says_so() -> None:
    with pytest.raises(DamagedError, match="has format 9, this version reads format 1"):
        decode_listing(msgspec.json.encode({"format": 9, "new": "thing"}), "r1", "the store")


def test_files_as_listed_that_do_not_belong_together_are_refused(builder: Host, other: Host) -> None:
    store = open_release_store(builder.settings)
    listing = store.listing("r1")
    files = {name: file for name, file in listing.files.items() if name != TOWER}
    store.publish(msgspec.structs.replace(listing, files=files))
    with pytest.raises(DamagedError, match=r"Release r1 came as it is listed .* not whole in itself: .*tower\.npy"):
        other.pull("r1")
    assert not (other.data_dir / "releases").exists()
