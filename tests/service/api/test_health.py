"""What `/health` says of a service that answers, and of one that cannot."""

import asyncio
from pathlib import Path

from litestar.testing import TestClient

from indexing.state.files import FilesState
from indexing.state.proposal import Proposal
from service.app import create_app
from service.main import open_dependencies
from service.schemas import hand_over_refusal
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client


def test_live(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}


def test_ready_tells_what_is_served(client: Client, tower_world: Path) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    ready = response.json()
    assert ready["status"] == "ready"
    assert ready["release"] == asyncio.run(FilesState(tower_world).live())
    assert ready["space"] == "tower"
    assert ready["encoder"] in {"loading", "ready"}
    assert ready["counts"]["points"] == 80
    assert ready["counts"]["users"] == 60
    assert len(ready["rules_version"]) == 16
    assert ready.keys() & {"reason", "encoder_reason", "live_release"} == set()


def test_shapes_that_were_never_measured_are_counted(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "world"
    copied(text_world, data_dir)
    (plans,) = (data_dir / "plans").glob("*/*.json")
    clean = {"context": {"explicit": False}}
    for expected in (0, 2):
        with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
            answers = [
                client.post("/v1/similar", json={"seeds": [{"id": "metal-1"}]} | more).json()["hits"]
                for more in ({}, clean, clean)
            ]
            assert all(len(hits) == 10 for hits in answers)
            assert client.get("/health/ready").json()["unmeasured_shapes"] == expected
        plans.write_bytes(plans.read_bytes()[:-9])


def test_another_live_release_is_told(text_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "world"
    copied(text_world, data_dir)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        served = client.get("/health/ready").json()["release"]
        (data_dir / "live").write_text("r99999999999999999\n")
        hand_over_refusal.note("a byte of it is damaged")
        try:
            ready = client.get("/health/ready").json()
        finally:
            hand_over_refusal.note(None)
        assert (ready["release"], ready["live_release"]) == (served, "r99999999999999999")
        assert ready["hand_over_refused"] == "a byte of it is damaged"


def test_ready_says_why_a_rules_file_is_not_in_force(text_world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    copied(text_world, folder)
    rules = tmp_path / "rules.toml"
    rules.write_text("[explicit]\nunknwon = 1\n")
    Proposal(rules, folder / "rules").take_up()
    with TestClient(create_app(open_dependencies(Settings(data_dir=folder)))) as client:
        ready = client.get("/health/ready").json()
    assert ready["status"] == "ready"
    assert "did you mean explicit.unknown?" in ready["rules_refused"]
