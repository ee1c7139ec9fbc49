"""`nearfield run` as a person meets it: what it says, what it leaves behind, what it refuses before it begins."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.free_ports import free_port
from tests.running_sample import RunningSample, without_settings

NEARFIELD = Path(sys.executable).with_name("nearfield")


def run(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NEARFIELD, "run", "--port", str(port)],
        cwd=folder,
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_says_each_command_as_a_person_would_type_it(running_sample: RunningSample) -> None:
    said = re.findall(r"^\[(\d)/6\] nearfield (\w+)", running_sample.measured(), flags=re.MULTILINE)
    commands = ("sample", "train", "index", "serve", "train", "evaluate")
    assert said == [(str(number), command) for number, command in enumerate(commands, start=1)]


def test_it_shows_the_towers_beside_popularity(running_sample: RunningSample) -> None:
    found = re.search(r"^recall@20 +([\d.]+) +([\d.]+)", running_sample.measured(), flags=re.MULTILINE)
    assert found, running_sample.measured()
    towers, popularity = float(found[1]), float(found[2])
    assert towers >= 3 * popularity


def test_the_printed_curl_gives_hits(running_sample: RunningSample) -> None:
    (line,) = re.findall(r"^ *(curl .*)$", running_sample.printed, flags=re.MULTILINE)
    answer = subprocess.run(["bash", "-c", f"{line} -sS"], capture_output=True, text=True, timeout=120, check=True)
    ids = {hit["id"] for hit in json.loads(answer.stdout)["hits"]}
    assert len(ids) == 5
    assert not ids & set(re.findall(r"/items/([^/]+)/", line))


def test_the_folder_is_left_ready_for_other_commands(running_sample: RunningSample) -> None:
    done = subprocess.run(
        [NEARFIELD, "index", "status", "--json"],
        cwd=running_sample.folder,
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    status = json.loads(done.stdout)
    assert status["live"] == status["releases"][-1]["id"]
    assert "default_market" in (running_sample.folder / "nearfield.toml").read_text(encoding="utf-8")


def test_a_port_in_use_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(tmp_path, taken.getsockname()[1])
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_replace_what_is_live_from_another_catalogue(running_sample: RunningSample, tmp_path: Path) -> None:
    (tmp_path / ".nearfield").symlink_to(running_sample.folder / ".nearfield")
    done = run(tmp_path, free_port())
    assert done.returncode == 2
    assert "would replace it" in done.stderr
    assert not (tmp_path / "sample").exists()
