"""What a stage tells while it is at work, and while it is quiet."""

import json
import time

import pytest

from embedding.progress import Reporter


def test_a_stage_in_which_nothing_moves_is_told_to_be_alive(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedding.progress._QUIET_S", 0.05)

    said = ""
    with Reporter("json").stage("optimise"):
        while said.count("\n") < 3:
            time.sleep(0.01)
            said += capsys.readouterr().err

    said += capsys.readouterr().err
    told = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in (told[0], told[-1])] == ["start", "end"]
    assert len(told) >= 4
    assert {event["left_s"] for event in told[1:-1]} == {None}


def test_a_stage_that_fails_tells_no_end_and_nothing_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedding.progress._QUIET_S", 0.05)
    opened = Reporter("json").stage("read", 5)
    opened.__enter__()(1)

    assert not opened.__exit__(KeyError, KeyError("row"), None)

    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told[:2] == ["start", "step"]
    # On a busy machine it may have been told to be alive meanwhile.
    assert set(told[2:]) <= {"step"}
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_a_bar_shows_rate_and_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr("embedding.pace._LEAST_S", 0.0)

    with Reporter("bar").stage("encode", 1_000) as advance:
        advance(0)
        time.sleep(0.3)
        advance(10)
        time.sleep(0.3)

    shown = capsys.readouterr().err
    assert "encode" in shown
    assert "/s" in shown
