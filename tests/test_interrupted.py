"""Ctrl-C in the commands that take long, and what they tell while they work: as a person, or a script, would see it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.running_sample import without_settings

NEARFIELD = Path(sys.executable).with_name("nearfield")
# Two seconds are promised (`_GRACE_S` ends what has not ended by then). This machine may stand still for longer, and
# whoever did not heed Ctrl-C would go on for minutes.
ENDS_WITHIN_S = 15.0
WORDS = ("harbour", "bread", "tempo", "glacier", "chess", "orchard", "tariff", "signal", "marble", "ferry")
Event = dict[str, Any]


def catalogue(path: Path, num_items: int, num_sentences: int, what: str = "") -> str:
    """Items with texts of so many sentences, each of its own words, which no cache has."""

    def text(number: int) -> str:
        words = [f"{WORDS[(number + at) % 10]} {WORDS[(number * at) % 10]} {what}{number}.{at}" for at in range(90)]
        return " ".join(f"We spoke of {' and '.join(words[at % 80 : at % 80 + 6])}." for at in range(num_sentences))

    rows = (
        {"id": f"i{number}", "kind": "episode", "title": f"Talk {number}", "creator": f"Show {number % 9}"}
        | {"text": text(number)}
        for number in range(num_items)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """Tests that run in the background of a script have Ctrl-C ignored, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[Event]]]:
    """A command at work, and the events that it tells; it is killed where it has not ended."""
    with subprocess.Popen(
        [NEARFIELD, *arguments, "--progress", "json"],
        cwd=folder,
        env=without_settings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            yield process, (json.loads(line) for line in process.stderr if line.startswith("{"))
        finally:
            process.kill()


def interrupted(folder: Path, is_time: Callable[[Event], bool], *arguments: str) -> tuple[int, float, str]:
    """Exit code, seconds from one Ctrl-C to the end, and what was said, of a command stopped when an event says so."""
    with started(folder, *arguments) as (process, told):
        assert any(map(is_time, told)), "it ended before it could be stopped"
        asked = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=120)
        return process.returncode, time.monotonic() - asked, said


def told_by(folder: Path, *arguments: str) -> list[Event]:
    """All that a command tells to its end."""
    with started(folder, *arguments) as (process, told):
        events = list(told)
        assert process.wait(timeout=300) == 0
        return events


def stage(name: str) -> Callable[[Event], bool]:
    return lambda event: event.get("stage", "").startswith(name)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a release is live."""
    folder = tmp_path_factory.mktemp("live")
    build = ("index", "build", catalogue(folder / "c.jsonl", 120, 1), "--activate")
    subprocess.run([NEARFIELD, *build], cwd=folder, env=without_settings(), check=True, capture_output=True)
    return folder


def test_ctrl_c_in_training_says_how_to_go_on(tmp_path: Path) -> None:
    data = catalogue(tmp_path / "c.jsonl", 30, 1)
    rows = ({"user_id": f"u{user}", "item_id": f"i{(user * 7 + at) % 30}"} for user in range(40) for at in range(8))
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.toml").write_text('features = ["id"]\nepochs = 9000\n')
    command = ("train", "--catalogue", data, "--interactions", "l.jsonl", "--out", "m", "--config", "t.toml")

    code, took_s, said = interrupted(tmp_path, stage("epoch 5/"), *command)

    assert (code, took_s < ENDS_WITHIN_S) == (130, True)
    assert "The same command with --resume goes on" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("place", ["/feed.xml", "/list.opml"])
def test_ctrl_c_while_a_host_does_not_answer_ends_in_time_and_leaves_nothing(tmp_path: Path, place: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}{place}"
        with started(tmp_path, "import", "rss", address, "podcasts", "--allow-local") as (process, _):
            silent.settimeout(300)
            connection, _ = silent.accept()
            with connection:
                connection.recv(4096)
                asked = time.monotonic()
                os.kill(process.pid, signal.SIGINT)
                _, said = process.communicate(timeout=120)
                took_s = time.monotonic() - asked

    assert (process.returncode, took_s < ENDS_WITHIN_S) == (130, True)
    assert "Nothing was written. The same command begins again." in said
    assert not (tmp_path / "podcasts").exists()


@pytest.mark.parametrize("words", [("serve",), ("--help",)])
def test_ctrl_c_before_a_command_has_begun_is_quiet(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A library that takes its time to be imported, as all of them together do."""
    (tmp_path / "click.py").write_text("import sys, time\nprint('imported', flush=True)\ntime.sleep(600)\n")
    with subprocess.Popen(
        [NEARFIELD, *words],
        cwd=tmp_path,
        env=without_settings() | {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "imported\n"
            os.kill(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()

    assert (process.returncode, said) == (130, "nearfield: stopped. The same command does it again.\n")


def test_a_command_in_the_background_of_a_script_is_not_stopped_by_ctrl_c(tmp_path: Path) -> None:
    data = catalogue(tmp_path / "c.jsonl", 2_000, 3)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    code, _, said = interrupted(tmp_path, stage("check"), "check", data)

    assert code == 0
    assert "stopped" not in said


def test_ctrl_c_in_a_sync_says_that_what_was_changed_stays(live: Path, tmp_path: Path) -> None:
    folder = tmp_path / "synced"
    shutil.copytree(live, folder)
    (folder / "nearfield.toml").write_text("max_changed_share = 1.0\n")
    changed = catalogue(folder / "changed.jsonl", 120, 12, "changed ")

    code, took_s, said = interrupted(folder, stage("sync"), "index", "sync", changed)

    assert (code, took_s < ENDS_WITHIN_S) == (130, True)
    assert "the same command brings the rest" in said
    assert "Traceback" not in said


def test_one_ctrl_c_is_enough_for_the_doctor(live: Path) -> None:
    code, took_s, said = interrupted(live, stage("measure plans"), "index", "doctor")

    assert (code, took_s < ENDS_WITHIN_S) == (130, True)
    assert "The same command measures again" in said
    assert "Traceback" not in said


def test_a_build_that_is_stopped_while_it_encodes_ends_in_time_and_is_gone_on_with(tmp_path: Path) -> None:
    command = ("index", "build", catalogue(tmp_path / "c.jsonl", 300, 12), "--activate")

    code, took_s, said = interrupted(tmp_path, stage("encode"), *command)

    assert (code, took_s < ENDS_WITHIN_S) == (130, True)
    assert "The same command goes on with the build" in said
    with started(tmp_path, *command) as (_, told):
        assert any("Going on with the unfinished build" in event.get("text", "") for event in told)


def test_a_build_counts_passages_into_what_is_left_to_encode(tmp_path: Path) -> None:
    build = ("index", "build", catalogue(tmp_path / "c.jsonl", 24, 25))

    told = list(filter(stage("encode"), told_by(tmp_path, *build)))

    steps, ended = [event for event in told if event["event"] == "step"], told[-1]
    assert ended["event"] == "end"
    # While much is left to be done, nothing says that all is done.
    early = [event for event in steps if event["done"] < 0.7 * ended["done"]]
    assert early
    assert all(event["done"] < event["total"] and event["left_s"] != 0 for event in early)
    assert steps[0]["total"] == ended["done"] > 24


def test_training_tells_how_far_the_texts_are_encoded(tmp_path: Path) -> None:
    data = catalogue(tmp_path / "c.jsonl", 400, 8)
    rows = ({"user_id": f"u{user}", "item_id": f"i{(user * 8 + at) % 400}"} for user in range(50) for at in range(8))
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.toml").write_text('features = ["id", "text"]\nepochs = 1\n')
    command = ("train", "--catalogue", data, "--interactions", "l.jsonl", "--out", "m", "--config", "t.toml")

    steps = list(filter(stage("encode items"), told_by(tmp_path, *command)))

    assert any(0 < event.get("done", 0) < event.get("total", 0) for event in steps)
