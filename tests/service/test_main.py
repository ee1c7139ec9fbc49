"""The composition root: what it puts together, and what it refuses to start with."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from litestar.testing import TestClient

from embedding.errors import DamagedError, MismatchError
from indexing.errors import NoLiveReleaseError
from indexing.state.files import FilesState
from service.app import create_app
from service.main import REPLACING, build_app, open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client


def copy_of(world: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of a world that may be spoilt: its data folder and that of its live release."""
    data_dir = folder / "world"
    copied(world, data_dir)
    release_id = asyncio.run(FilesState(data_dir).live())
    assert release_id is not None
    return data_dir, data_dir / "releases" / release_id


def test_the_application_loads_no_torch() -> None:
    heavy = ("torch", "sentence_transformers", "pyarrow", "qdrant_client")
    program = f"import sys, service.app; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_settings_come_from_folder_and_environment(
    text_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nearfield.toml").write_text(f'data_dir = "{text_world}"\n')
    monkeypatch.setenv("NEARFIELD_DEFAULT_MARKET", "SE")
    with TestClient(build_app()) as client:
        assert client.get("/v1/items/metal-1/similar").status_code == 200


def test_a_worker_that_replaces_another_has_its_encoder_at_once(
    text_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEARFIELD_DATA_DIR", str(text_world))
    monkeypatch.setenv(REPLACING, "1")
    with TestClient(build_app()) as client:
        assert client.get("/health/ready").json()["encoder"] == "ready"


def test_without_a_live_release_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoLiveReleaseError, match="nearfield index build"):
        open_dependencies(Settings(data_dir=tmp_path))


def test_another_tower_is_refused_by_both_hashes(tower_world: Path, tmp_path: Path) -> None:
    data_dir, release = copy_of(tower_world, tmp_path)
    manifest = msgspec.json.decode((release / "manifest.json").read_bytes())
    built_with, manifest["model_hash"] = manifest["model_hash"], "f" * 64
    (release / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(MismatchError) as refused:
        open_dependencies(Settings(data_dir=data_dir))
    assert built_with in str(refused.value)
    assert "f" * 64 in str(refused.value)


def test_a_damaged_tower_is_refused(tower_world: Path, tmp_path: Path) -> None:
    data_dir, release = copy_of(tower_world, tmp_path)
    weights = next((release / "model").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(DamagedError):
        open_dependencies(Settings(data_dir=data_dir))


def test_an_encoder_that_is_nowhere_here_is_named_with_what_was_looked_at(text_world: Path, tmp_path: Path) -> None:
    data_dir, release = copy_of(text_world, tmp_path)
    manifest = msgspec.json.decode((release / "manifest.json").read_bytes())
    built_with, manifest["encoder_hash"] = manifest["encoder_hash"], "e" * 64
    (release / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
        assert client.get("/v1/items/metal-1/similar").status_code == 200
        refused = client.post("/v1/search", json={"text": "bread"})
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:nearfield:problem:encoder-absent")
        reason = client.get("/health/ready").json()["encoder_reason"]
    assert "e" * 64 in reason
    assert f"all-MiniLM-L6-v2 ({built_with})" in reason


def test_a_collection_of_other_vectors_is_refused(tower_world: Path, tmp_path: Path) -> None:
    data_dir, release = copy_of(tower_world, tmp_path)
    vectors = np.load(release / "columns" / "tower.npy")
    np.save(release / "columns" / "tower.npy", vectors[:, ::-1])
    app = create_app(open_dependencies(Settings(data_dir=data_dir)))
    with pytest.raises(MismatchError, match="other tower vectors"), TestClient(app):
        pass


def test_one_release_serves_two_applications(tower_world: Path, client: Client) -> None:
    with TestClient(create_app(open_dependencies(Settings(data_dir=tower_world)))) as other:
        url = "/v1/items/metal-1/similar?market=SE&at=2024-05-31"
        assert other.get(url).json() == client.get(url).json()
