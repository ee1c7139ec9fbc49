"""What `nearfield serve` checks and says before a worker starts, and how settings reach the workers."""

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from embedding.errors import BusyError, UsageError
from embedding.settings import EncoderPlace
from indexing.errors import NoLiveReleaseError
from service.schemas.load_settings import load_settings
from service.schemas.settings import Settings
from service.workers.commands import serve as serve_command
from service.workers.environ import as_environ
from service.workers.serve_command import serve, with_encoder_folder
from tests.free_ports import free_port
from tests.indexing.stores.standins import standins


def test_a_port_in_use_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # There is no release either, which would be the next complaint.
        with pytest.raises(BusyError, match=f"port {port}: .*listens there. Stop it, or choose another port"):
            serve(Settings(data_dir=tmp_path, port=port))


def test_without_a_live_release_it_says_how_to_come_by_one_and_gives_the_port_back(tmp_path: Path) -> None:
    port = free_port()
    for _ in range(2):
        with pytest.raises(NoLiveReleaseError, match="nearfield index build CATALOGUE --activate"):
            serve(Settings(data_dir=tmp_path, port=port))


def test_what_the_store_warns_of_is_told_once_before_any_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[list[str]] = []

    class Ran:
        def __init__(self, *_: Any) -> None: ...

        def run(self) -> None:
            told.append([record.getMessage() for record in caplog.records])

        def close(self) -> None: ...

    for part in ("LiveWatch", "Supervisor", "WorkerProcesses"):
        monkeypatch.setattr(f"service.workers.serve_command.{part}", Ran)
    # It would take the log away from the test.
    monkeypatch.setattr("service.workers.serve_command.configure_logging", lambda: None)
    with standins() as (one,):
        wrong = f"http://127.0.0.1:{free_port()}"
        urls = f"{one.url},{wrong}"
        serve(Settings(data_dir=tmp_path, port=free_port(), qdrant_url=urls, qdrant_api_key="secret"))
    ((key, address),) = told
    assert "qdrant_api_key is sent over http" in key
    assert f"nothing to use at {wrong}" in address
    assert "secret" not in key + address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_off_loopback_queries_must_have_been_opened(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError, match=r"can be reached from other machines.*open_queries = true"):
        serve(Settings(data_dir=tmp_path, port=free_port(), host=host))
    with pytest.raises(NoLiveReleaseError):
        serve(Settings(data_dir=tmp_path, port=free_port(), host="0.0.0.0", open_queries=True))


def test_workers_come_to_the_settings_of_the_main_process(tmp_path: Path) -> None:
    (tmp_path / "nearfield.toml").write_text('default_market = "SE"\nqdrant_url = "http://qdrant:6333"\nworkers = 3\n')
    flagged = msgspec.structs.replace(
        load_settings(tmp_path, {}, {}),
        **{
            "port": 9000,
            "qdrant_url": None,
            "open_queries": True,
            "encoder": EncoderPlace(tmp_path / "my encoder"),
            "workers": 2,
        },
    )
    assert load_settings(tmp_path, as_environ(flagged), {}) == flagged


def test_workers_are_given_the_folder_of_an_encoder_named_by_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    settings = Settings(data_dir=tmp_path, encoder=EncoderPlace("owner/model"))
    # Not in the cache, and no hub in reach: everything but texts can be answered.
    assert with_encoder_folder(settings) == settings
    assert "'owner/model'" in caplog.text

    root = tmp_path / "hub" / "models--owner--model"
    snapshot = root / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(snapshot.name)

    assert with_encoder_folder(settings).encoder == str(snapshot)


def test_every_setting_that_has_a_default_survives_the_way_to_the_workers(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, {})
    assert set(as_environ(settings)) == {f"NEARFIELD_{name.upper()}" for name in Settings.__struct_fields__}
    assert load_settings(tmp_path, as_environ(settings), {}) == settings


@pytest.mark.parametrize("flags", [["--port", "0"], ["--port", "65536"], ["--workers", "0"], ["--port", "http"]])
def test_flags_have_bounds(flags: list[str]) -> None:
    ended = CliRunner().invoke(serve_command, flags, obj=Settings())
    assert ended.exit_code == 2
    assert f"Invalid value for '{flags[0]}'" in ended.output


def test_flags_override_settings(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = CliRunner().invoke(
            serve_command, ["--port", str(port)], obj=Settings(data_dir=tmp_path, host="localhost", port=free_port())
        )
    assert isinstance(ended.exception, BusyError)
    assert f"localhost, port {port}" in str(ended.exception)
